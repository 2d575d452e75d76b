"""What both tracks share: data, numbers, errors; no framework is imported here."""
