"""The web room, from requests to answers."""
