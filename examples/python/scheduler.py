"""A small scheduler: places and moves guests over several ferryds. docs/openstack.md goes through it call by call.

What a real one has to get right is all here: it asks every candidate, holds memory before it starts, starts in a way that may be
repeated, follows a move through lost connections without missing an event, moves the networks before the guest runs at the
destination, and after a failure asks where the guest is before it does anything else.
"""

import pathlib
import time
import uuid

import grpc

import rpc_status_pb2
from ferry.v1 import (
    events_pb2,
    events_pb2_grpc,
    migration_pb2,
    migration_pb2_grpc,
    placement_pb2,
    placement_pb2_grpc,
)

# What Nova calls the end of a migration.
ENDED = ("completed", "cancelled", "failed", "error")

# Answers of a destination that say: not here, but perhaps elsewhere.
TRY_ELSEWHERE = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Refused(Exception):
    """An error of ferryd: `reason` is stable and for programs, the text says what happened, where the guest is, what to do."""

    def __init__(self, error):
        super().__init__(error.details())
        self.code = error.code()
        self.reason = error.code().name
        self.metadata = {}
        self.reasons = []
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                for detail in rpc_status_pb2.Status.FromString(value).details:
                    if detail.type_url.endswith("/google.rpc.ErrorInfo"):
                        info = rpc_status_pb2.ErrorInfo.FromString(detail.value)
                        if info.domain == "ferry.dev":
                            self.reasons.append(info.reason)
                            self.metadata.update(info.metadata)
        if self.reasons:
            self.reason = self.reasons[0]


def credentials(directory):
    ca, key, certificate = ((pathlib.Path(directory) / f).read_bytes() for f in ("ca.crt", "client.key", "client.crt"))
    return grpc.ssl_channel_credentials(ca, key, certificate)


class Host:
    """One ferryd: by its unix socket, or HOST:PORT with the directory that has ca.crt, client.crt and client.key."""

    def __init__(self, name, endpoint, tls=None):
        self.name = name
        self.endpoint = endpoint
        self.tls = tls
        self.channel = None
        self.connect()

    def connect(self):
        if self.channel:
            self.channel.close()
        options = [("grpc.max_reconnect_backoff_ms", 500)]
        if self.tls and not self.endpoint.startswith("unix:"):
            self.channel = grpc.secure_channel(self.endpoint, credentials(self.tls), options=options)
        else:
            options.append(("grpc.default_authority", "localhost"))
            self.channel = grpc.insecure_channel(self.endpoint, options=options)
        self.migrations = migration_pb2_grpc.MigrationServiceStub(self.channel)
        self.guests = migration_pb2_grpc.GuestServiceStub(self.channel)
        self.placement = placement_pb2_grpc.PlacementServiceStub(self.channel)
        self.events = events_pb2_grpc.EventServiceStub(self.channel)

    def call(self, method, request, timeout=30):
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def guest_names(self):
        """Page by page, however many there are."""
        names, token = [], ""
        while True:
            page = self.call(self.guests.List, migration_pb2.ListGuestsRequest(page_size=100, page_token=token))
            names += [g.name for g in page.guests if g.status == migration_pb2.RUNNING]
            token = page.next_page_token
            if not token:
                return names

    def capacity(self):
        return self.call(self.placement.GetHost, placement_pb2.GetHostRequest())


class Networks:
    """Stands for Neutron: on which host each guest's ports are bound."""

    def __init__(self):
        self.bound = {}
        self.history = []

    def activate(self, guest, host):
        self.bound[guest] = host
        self.history.append((guest, host))


class Scheduler:
    def __init__(self, hosts, networks, say=print):
        self.hosts = hosts
        self.networks = networks
        self.say = say

    def where(self, guest):
        for host in self.hosts:
            try:
                if guest in host.guest_names():
                    return host
            except Refused as refused:
                self.say(f"{host.name} does not answer: {refused.reason}")
        raise LookupError(f"no host has guest {guest}")

    # Nova: the scheduler's filters and weighers.
    def candidates(self, guest, source):
        """(host, its peer address, the guest's memory), the one with the most room first; nothing is touched."""
        found = []
        for host in self.hosts:
            if host is source:
                continue
            try:
                capacity = host.capacity()
                answer = source.call(
                    source.migrations.Check, migration_pb2.CheckRequest(guest=guest, to=capacity.peer_address)
                )
            except Refused as refused:
                self.say(f"{guest}: not {host.name}: {refused.reason}")
                continue
            if answer.reasons:
                self.say(f"{guest}: not {host.name}: {', '.join(r.code for r in answer.reasons)}")
                continue
            found.append((capacity.memory_available_bytes, host, capacity.peer_address, answer.memory_total_bytes))
        found.sort(key=lambda c: -c[0])
        return [c[1:] for c in found]

    def move(self, guest, policy=None, on_event=None, hold_ms=2000):
        """Moves a guest to the best host that takes it; the last migration's message. Goes on elsewhere while it is on its source."""
        source = self.where(guest)
        self.networks.bound.setdefault(guest, source.name)
        last = None
        for destination, address, memory_bytes in self.candidates(guest, source):
            try:
                migration, token = self.begin(guest, source, destination, address, memory_bytes, policy, hold_ms)
            except Refused as refused:
                if refused.code not in TRY_ELSEWHERE:
                    raise
                self.say(f"{guest}: {destination.name} refused: {refused.reason}")
                continue
            last = self.follow(guest, source, destination, migration.id, token, on_event)
            if last.status != "failed":
                return last
            self.say(f"{guest}: the move to {destination.name} failed, it runs on {source.name}: {last.error}")
        if last is None:
            raise LookupError(f"no host takes {guest}; it stays on {source.name}")
        return last

    # Nova: pre_live_migration, then live_migration.
    def begin(self, guest, source, destination, address, memory_bytes, policy, hold_ms):
        reservation = destination.call(
            destination.placement.Reserve,
            placement_pb2.ReserveRequest(
                guest=guest, memory_bytes=memory_bytes, ttl_seconds=30, request_id=str(uuid.uuid4())
            ),
        )
        # Before the start, so that no event of this move is missed.
        token = source.call(source.migrations.List, migration_pb2.ListRequest(page_size=1)).resume_token
        request = migration_pb2.StartRequest(
            guest=guest,
            to=address,
            request_id=str(uuid.uuid4()),  # a real scheduler writes it down before it asks
            reservation_id=reservation.id,
            policy=policy,
            network_hold_ms=hold_ms,
        )
        try:
            migration = self.start(source, request)
        except Refused:
            self.release(destination, reservation)
            raise
        self.say(f"{guest}: {source.name} -> {destination.name}, migration {migration.id}")
        return migration, token

    @staticmethod
    def start(source, request):
        """Whether a lost answer had started the move or not: the same request again is the same migration."""
        end = time.monotonic() + 60
        while True:
            try:
                return source.call(source.migrations.Start, request)
            except Refused as refused:
                if refused.code != grpc.StatusCode.UNAVAILABLE or time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def release(self, destination, reservation):
        """It would expire anyway."""
        try:
            destination.call(
                destination.placement.ReleaseReservation,
                placement_pb2.ReleaseReservationRequest(id=reservation.id),
            )
        except Refused as refused:
            self.say(f"{reservation.guest}: its reservation was not released: {refused.reason}")

    def follow(self, guest, source, destination, migration_id, token, on_event=None):
        """Every event once, whatever becomes of the connection, until the end."""
        while True:
            try:
                stream = source.events.WatchEvents(
                    events_pb2.WatchEventsRequest(resume_token=token, id=migration_id, progress_interval_ms=100)
                )
                for event in stream:
                    token = event.resume_token
                    if event.kind == events_pb2.WatchEventsResponse.KIND_WATCHING:
                        continue
                    last = event.migration
                    self.handle(event, guest, source, destination)
                    if on_event:
                        on_event(event, source)
                    if last.status in ENDED:
                        return last
                return self.get(source, migration_id)
            except grpc.RpcError as error:
                refused = Refused(error)
                if refused.reason in ("EVENTS_TOO_OLD", "EVENTS_OF_EARLIER_DAEMON"):
                    # What happened meanwhile is not told any more, but how it is now.
                    token = source.call(source.migrations.List, migration_pb2.ListRequest(page_size=1)).resume_token
                    last = self.get(source, migration_id)
                    self.settle_networks(last, guest, source, destination)
                    if last.status in ENDED:
                        return last
                elif refused.code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    raise refused from None
                self.say(f"{guest}: watches {source.name} again: {refused.reason}")
                time.sleep(0.05)
                source.connect()

    @staticmethod
    def get(source, migration_id):
        return source.call(source.migrations.Get, migration_pb2.GetRequest(id=migration_id))

    def handle(self, event, guest, source, destination):
        migration = event.migration
        if event.kind == events_pb2.WatchEventsResponse.KIND_NETWORKS:
            # The guest is paused. Nova: migrate_instance_start, which activates the port bindings of the destination.
            self.networks.activate(guest, destination.name)
            source.call(source.migrations.ConfirmNetworks, migration_pb2.ConfirmNetworksRequest(id=migration.id))
            self.say(f"{guest}: networks moved to {destination.name} while it is paused")
        elif event.kind == events_pb2.WatchEventsResponse.KIND_STATE:
            self.say(f"{guest}: {migration.status} ({migration_pb2.MigrationState.Name(migration.state)})")
            if migration.status in ENDED:
                self.settle_networks(migration, guest, source, destination)

    def settle_networks(self, migration, guest, source, destination):
        """Where the guest is, its networks are: after a move that was undone they go back."""
        host = source if migration.runs_on == migration_pb2.SOURCE else destination
        if self.networks.bound.get(guest) != host.name:
            self.networks.activate(guest, host.name)
            self.say(f"{guest}: networks are on {host.name}")

    # Nova: live_migration_force_complete.
    @staticmethod
    def force_complete(source, migration_id):
        return source.call(source.migrations.SwitchToPostcopy, migration_pb2.SwitchToPostcopyRequest(id=migration_id))

    # Nova: live_migration_abort.
    @staticmethod
    def abort(source, migration_id):
        return source.call(source.migrations.Cancel, migration_pb2.CancelRequest(id=migration_id))
