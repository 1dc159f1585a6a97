"""What people look at: the pages, and the line between browser and services."""
