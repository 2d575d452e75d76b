"""What both tracks share."""
