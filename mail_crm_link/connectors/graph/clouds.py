"""Where Microsoft Graph is."""

ENDPOINT = "https://graph.microsoft.com/v1.0"
"""Of the worldwide service; national clouds have others (https://learn.microsoft.com/graph/deployments)."""
