"""Recognises automatic replies, repetitions, forged senders, and senders who may get a notice.

Start reading at automatic_reply.py.
"""
