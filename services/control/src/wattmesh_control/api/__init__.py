"""Control's gRPC face: to whoever commands, and to the gateways."""
