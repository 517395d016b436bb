"""Measurements, side by side with Odoo's own gateway; ``make bench`` runs them."""
