"""Journeys through the portal in a real Chromium, each one a user's whole job."""
