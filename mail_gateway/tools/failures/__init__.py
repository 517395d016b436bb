"""Why a message did not arrive: categories, and the table that leads from replies and reports to them."""
