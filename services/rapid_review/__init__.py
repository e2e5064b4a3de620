"""Rapid reviews and local child safeguarding practice reviews: from the notification to what the public can read."""
