"""The journal: a run's record on disk, from which the next start of the same run goes on.

Give `journal="enrol.db"` to any call that carries a device list, except those that fill `detail` of
outcomes, which it does not hold. Before a batch is sent, the file says that it is about to be;
before an outcome is reported, the file holds it. So whatever kills the process, the next start with
the same file and input knows which devices are decided (they are not sent again), which are in
doubt (they are settled first, by reading the target), and which are left.

- Devices match by value. What is new in the input is sent. What the input does not hold any more
  is settled if it is in doubt, never sent, in no count, and stays in the journal.
- `inputs` and `duplicates` count the present reading of the input; `requests` and `seconds` are
  totals over all starts, as far as they are on record.
- A start of a finished run sends nothing and gives the same report.
- A run that came to its end has nothing in doubt: a device `unknown` there stays so. One that was
  stopped or killed settles them at its next start.
- Its reports list devices from the file, and do not hold them in memory; a report that is pickled
  still needs the file. Whoever iterates over outcomes gets those of earlier starts again.

The journal of a call that schedules is at first of the request that makes the target: it says what
is asked for, and which devices are about to be sent. With the answer it becomes the journal of the
run that appends the rest; so it does when a run on a target that was found is begun with it.

It survives the death of the process at any moment. With `durability="full"` it survives the death
of the machine too, if the disk keeps what it confirms. Without, a machine that dies may lose the
last transactions, and the next start may then send devices again that were decided.

So does a copy: a copied, restored or rolled back journal does not know what was decided since, and
the next start with it can send decided devices again. After a kill the journal is two files,
`enrol.db` and `enrol.db-wal`: keep them together. To copy the journal of a run that is under way,
use SQLite's own backup. It must lie on a local disk. One run at a time writes to it, which a lock
on `enrol.db-lock` sees to; reading it meanwhile is possible.

The file is for its owner's eyes only (mode 0600), and holds device ids and the API's words about
them, no secret. Inside, nothing is ever changed but the row of the start that is under way: what is
known about a device is what the last entry with its id says.
"""
