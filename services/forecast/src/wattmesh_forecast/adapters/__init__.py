"""Other services, the model server, the database, the sky, the models' folder, training jobs."""
