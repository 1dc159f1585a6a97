"""Device drivers, device profiles as data, store-and-forward."""
