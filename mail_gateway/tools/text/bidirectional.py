"""Control characters that change the order in which a text is shown (Unicode UAX 9, section 2).

They make names, addresses and names of files look like others: CVE-2021-42574, CVE-2009-3376.
"""

# Joiners are none of them: Persian names and emoji need those.
# To stand within the brackets of a regular expression
BIDIRECTIONAL_CONTROLS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
