"""Starting the processes of the mesh, keeping them alive and ending them."""
