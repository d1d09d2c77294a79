"""The store: an SQLite file with every message, from its 2xx until it is long handled.

A message is in one of three states, and every change is one transaction::

    received ──> waiting ──> handled ──> forgotten, when enough later ones are handled
                  ^   │ ^       │
          back-off│   │ └───────┤ replayed
                  └───┤         │
                      └──────> dead      failed as often as it may

That a handler is at work on a message is known only to the receiver at work. If it is killed, the
message waits still, and is handled again after the next start: at least once.
"""
