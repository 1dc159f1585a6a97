"""What is registered, behind SiteService."""
