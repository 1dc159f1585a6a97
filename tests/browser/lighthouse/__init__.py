"""Lighthouse's judgement of every page."""
