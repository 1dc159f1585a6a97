"""Programmes, enrolments, events, and what sites make of them."""
