"""Runs whose requests are sent by the workers of a Dask cluster.

>>> from distributed import Client, LocalCluster
>>> from fota_async.distributed import DaskExecutor
>>> async with (
...     LocalCluster(
...         processes=False,
...         n_workers=2,
...         threads_per_worker=8,
...         asynchronous=True,
...         dashboard_address="127.0.0.1:0",
...     ) as cluster,
...     Client(cluster, asynchronous=True) as dask,
...     DaskExecutor(dask) as executor,
... ):
...     report = await fota.v1.upgrades.append_devices(upgrade_id, imeis, executor=executor)
>>> report.succeeded
3

It needs the extra `distributed`: `pip install 'fota_async[distributed]'`.

# When it is worth having

- Campaigns of weeks, on a platform where jobs must survive the loss of a host: what is lost with a
  host is settled and sent elsewhere.
- Hundreds of accounts in one job (`fota_async.AccountRuns`), with a platform's own machines to send
  for them.
- Requests are to leave from other machines than the one that holds the credentials.

It is **not** worth having to make a run faster: the limit is the account's, wherever its requests
come from, and one process fills it with ease. Nor does it spare the coordinator work: handing a
request over costs it more CPU than sending it (`benchmarks/results.md`, "Through a cluster"). For
a run that must go on after a crash, a journal is enough.

# How it works

- Here, with the *coordinator*, stay: credentials, logins and tokens, limit, retries, pauses,
  journal and report; and every request that carries no batch: single calls, the readings that
  settle doubts, the one that schedules.
- To a worker go: a batch at a time, as a task, and beside the tasks the two tokens of the hour.
  Never key, secret, user name or password.
- A worker makes one try, once, and sends back what came of it. It decides nothing. A try that it
  cannot begin within five seconds it does not make.
- A worker makes as many tries at once as it has threads; the run's limit and `concurrency` hold
  for all workers together. Workers may come and go during a run.
- When a worker dies, what was in flight there is in doubt: the run reads the upgrade and settles
  it, as it does with any lost answer, and other workers go on. Nothing is sent twice because of it.
- When there is no worker for `worker_timeout` seconds (300), a try ends as one without a connection
  does: surely not sent.
- When the coordinator dies, its journal knows how far it came. **Somebody must start it again**
  (systemd, a Kubernetes Job, cron): the same call with the same journal goes on. So the journal
  belongs on a disk that survives the host, mounted by one machine at a time; SQLite does not
  trust network shares.

# What workers need

- The same version of `fota_async`, with the extra; so does the scheduler, which opens each task.
  Another one is refused, and named, before anything is sent. Python and `distributed` should be
  the same everywhere, too, as Dask wants it.
- A way to the API; a proxy or certificates of their own are told by `DaskExecutor(on_worker=...)`.
- Threads, as many as tries are to be made at once. They wait; they need no core each.
- No credentials. The worker processes of a `LocalCluster` inherit the environment of this process,
  those of the other clusters below do not.

Dask keeps the latest 1,000 messages of each of its connections, with the device lists in them. For
long runs start coordinator and scheduler with `DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH=10` in
the environment, or each of them grows by a hundred megabytes and more.

A cluster that scales itself (`adapt`) hears of a try only when a worker has a place for it: give it
a `minimum`, or scale it yourself. A `LocalCluster` gives up a worker that is not back 15 seconds
after its death (`distributed.deploy.lost-worker-timeout`).

Whoever reaches the scheduler can run code on the workers, and so read the tokens: keep others out,
by TLS as below or by the network.

# Recipes

They differ in how the cluster is made. All of them have this do the work:

    async def campaign(dask: Client) -> None:
        async with FotaClient.from_env() as fota, DaskExecutor(dask) as executor:
            report = await fota.v1.upgrades.append_devices(
                upgrade_id, Path("fleet.csv"), journal="/journal/enrol.db", executor=executor
            )
        print(report)

**One machine**, to try it. The guard is needed where processes are spawned:

    if __name__ == "__main__":
        with LocalCluster(n_workers=2, threads_per_worker=16) as cluster, Client(cluster) as dask:
            asyncio.run(campaign(dask))

**Machines of your own, as services.** The cluster then outlives coordinators, whoever starts them:

    dask scheduler --port 8786                                      # on one machine
    dask worker tcp://scheduler.example:8786 --nthreads 16          # on each of the others

    with Client("tcp://scheduler.example:8786") as dask:
        asyncio.run(campaign(dask))

**Machines of your own, by SSH** (`pip install asyncssh`). The first host gets the scheduler, the
others a worker each, and every start of the coordinator makes a new cluster:

    with (
        SSHCluster(
            ["scheduler.example", "worker-1.example", "worker-2.example"],
            worker_options={"nthreads": 16},
            remote_python="/opt/fota/bin/python",
        ) as cluster,
        Client(cluster) as dask,
    ):
        asyncio.run(campaign(dask))

**TLS between the parts.** Each part shows a certificate of one authority, and nobody else is let
in. On the scheduler's and the workers' machines:

    TLS="--tls-ca-file ca.pem --tls-cert cert.pem --tls-key key.pem"
    dask scheduler --protocol tls --port 8786 $TLS
    dask worker tls://scheduler.example:8786 --nthreads 16 $TLS

and here:

    security = Security(  # of distributed.security
        require_encryption=True,
        tls_ca_file="ca.pem",
        tls_client_cert="cert.pem",
        tls_client_key="key.pem",
    )
    with Client("tls://scheduler.example:8786", security=security) as dask:
        asyncio.run(campaign(dask))

A `LocalCluster` takes `protocol="tls://"` and a `security=` that has `tls_scheduler_cert`,
`tls_scheduler_key`, `tls_worker_cert` and `tls_worker_key`, too.

**Kubernetes**, with the operator of `dask-kubernetes` installed, and an image that has `fota_async`
with the extra, `dask-kubernetes` for the coordinator, and no entry point of its own:

    spec = make_cluster_spec(  # of dask_kubernetes.operator, as is KubeCluster
        name="fota",
        image="fota:1",
        n_workers=3,
        worker_command=["dask", "worker", "--nthreads", "16"],
    )
    scheduler = spec["spec"]["scheduler"]["spec"]["containers"][0]
    scheduler["args"] = ["dask", "scheduler", "--host", "0.0.0.0"]
    with (
        KubeCluster(custom_cluster_spec=spec, shutdown_on_close=True) as cluster,
        Client(cluster) as dask,
    ):
        asyncio.run(campaign(dask))

The commands are spelled out since `distributed`, from 2026.6 on, has no `dask-scheduler` and no
`dask-worker` any more, which the spec would start. A coordinator that was started again finds the
cluster of that name and goes on with it. `KubeCluster` speaks to the scheduler without TLS: let a
NetworkPolicy keep others out. The coordinator is a Job, started again until it ends well; its
service account must be allowed what `KubeCluster` does:

    apiVersion: batch/v1
    kind: Job
    metadata:
      name: fota-coordinator
    spec:
      backoffLimit: 100
      template:
        spec:
          restartPolicy: OnFailure
          serviceAccountName: fota-coordinator
          containers:
          - name: coordinator
            image: fota:1
            command: ["python", "coordinator.py"]
            envFrom:
            - secretRef:
                name: thingspace          # THINGSPACE_KEY and so on
            volumeMounts:
            - name: journal
              mountPath: /journal
          volumes:
          - name: journal
            persistentVolumeClaim:
              claimName: fota-journal     # ReadWriteOnce, on a block device
"""

from fota_async.distributed.executor import DaskExecutor

__all__ = ["DaskExecutor"]
