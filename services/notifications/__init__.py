"""The notification: from its draft to its close, and the copies that are filed."""
