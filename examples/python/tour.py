#!/usr/bin/python3
"""Moves real guests over three real ferryds as a scheduler would, and shows on the way what it relies on.

  tour.py --stubs DIRECTORY [--tls DIRECTORY] NAME=ENDPOINT NAME=ENDPOINT NAME=ENDPOINT

The first host has the guests web1, web2 and web3. Ends with 0 only if everything was as it should be. The line "now: PAUSED HOST"
says that the ferryd of HOST may be killed: the third guest's move is under way to it.
"""

import argparse
import sys


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stubs", required=True, help="where generate.sh has put them")
    parser.add_argument("--tls", help="ca.crt, client.crt and client.key, for endpoints HOST:PORT")
    parser.add_argument("hosts", nargs=3, metavar="NAME=ENDPOINT")
    return parser.parse_args()


def say(text):
    print(text, flush=True)


def expect(condition, what):
    if not condition:
        say(f"WRONG: {what}")
        sys.exit(1)


def main():
    args = arguments()
    sys.path.insert(0, args.stubs)
    import scheduler as s  # noqa: E402  (needs the stubs)
    from ferry.v1 import events_pb2, migration_pb2, placement_pb2

    hosts = [s.Host(*h.split("=", 1), tls=args.tls) for h in args.hosts]
    first = hosts[0]
    networks = s.Networks()
    it = s.Scheduler(hosts, networks, say)
    state = events_pb2.WatchEventsResponse.KIND_STATE
    slow = migration_pb2.Policy(bandwidth_bytes_per_second=8 << 20, postcopy_bandwidth_bytes_per_second=16 << 20)

    say("* web1 moves; the connection is lost on the way, and no event with it")
    seen = []

    def lose_the_connection(event, source):
        if event.kind == state:
            seen.append((event.sequence, event.migration.status))
            if len(seen) == 2:
                source.connect()

    moved = it.move("web1", on_event=lose_the_connection)
    expect(moved.status == "completed", f"web1 is {moved.status}: {moved.error}")
    # Each once and in order; the running that comes twice is the switch.
    expect(
        [status for _, status in seen] == ["preparing", "running", "running", "running (post-copy)", "completed"],
        f"the events {seen}",
    )
    expect([n for n, _ in seen] == sorted({n for n, _ in seen}), f"the numbers {seen}")
    expect(networks.bound["web1"] == it.where("web1").name != first.name, "its networks are where it is")
    expect(moved.networks_confirmed and len(networks.history) == 1, "they were moved once, before it ran there")
    say(f"  downtime {moved.downtime_ms:.1f} ms: {[(p.name, round(p.ms, 1)) for p in moved.downtime_phases]}")

    say("* web2 has a slow link: it is switched before its memory has all been sent")
    forced = []

    def force(event, source):
        m = event.migration
        if not forced and m.status == "running" and 0 < m.memory_processed_bytes < m.memory_total_bytes:
            say(f"  {m.memory_remaining_bytes} of {m.memory_total_bytes} bytes remain: force-complete")
            forced.append(it.force_complete(source, m.id))
        if m.status == "running (post-copy)" and len(forced) == 1:
            try:
                it.abort(source, m.id)
                expect(False, "an abort after the switch is refused")
            except s.Refused as refused:
                expect(refused.reason == "ALREADY_SWITCHED", f"the refusal {refused.reason}")
                expect(refused.metadata["runs_on"] == "DESTINATION", f"what it says: {refused.metadata}")
                say(f"  abort: {refused.reason}: {refused}")
                forced.append(None)

    moved = it.move("web2", policy=slow, on_event=force)
    expect(moved.status == "completed", f"web2 is {moved.status}: {moved.error}")
    expect(len(forced) == 2, "it was forced, and the abort refused")

    say("* web3: aborted first, then the destination dies on the way and it goes elsewhere")
    aborted = []

    def abort(event, source):
        if not aborted and event.migration.status == "running":
            aborted.append(it.abort(source, event.migration.id))

    moved = it.move("web3", policy=slow, on_event=abort)
    expect(moved.status == "cancelled", f"web3 is {moved.status}")
    expect(it.where("web3") is first and networks.bound["web3"] == first.name, "it and its networks are where they were")

    announced = []

    def announce(event, _):
        if not announced and event.migration.status == "running" and event.migration.memory_processed_bytes:
            dying = next(h for h in hosts if h.capacity().peer_address == event.migration.peer)
            announced.append(dying)
            say(f"now: {dying.name}")

    moved = it.move("web3", policy=slow, on_event=announce)
    expect(moved.status == "completed", f"web3 is {moved.status}: {moved.error}")
    expect(announced and announced[0].name != it.where("web3").name, "it went to the other host")

    say("* requests that come again")
    rest = [h for h in hosts if h is not first and h not in announced][0]
    again = migration_pb2.StartRequest(guest="web3", to=first.capacity().peer_address, request_id="tour-again")
    here = it.where("web3")
    started = it.start(here, again)
    expect(it.start(here, again).id == started.id, "the same request is the same migration")
    again.to = "127.0.0.1:1"
    try:
        it.start(here, again)
        expect(False, "another request with its id is refused")
    except s.Refused as refused:
        expect(refused.reason == "REQUEST_ID_REUSED", f"the refusal {refused.reason}")
    last = it.follow("web3", here, first, started.id, "")
    expect(last.status == "completed", f"web3 is {last.status}: {last.error}")

    say("* memory that is reserved is not given away")
    check = migration_pb2.CheckRequest(guest="web3", to=rest.capacity().peer_address)
    for _ in range(20):  # other programs of this machine take and give memory meanwhile
        room = rest.capacity().memory_available_bytes
        try:
            held = rest.call(
                rest.placement.Reserve,
                placement_pb2.ReserveRequest(guest="nobody", memory_bytes=room - (48 << 20), ttl_seconds=60),
            )
        except s.Refused as refused:
            expect(refused.reason == "DESTINATION_MEMORY", f"the refusal {refused.reason}")
            continue
        reasons = [r.code for r in first.call(first.migrations.Check, check).reasons]
        it.release(rest, held)
        if reasons:
            break
    expect(reasons == ["DESTINATION_MEMORY"], f"the reasons {reasons}")
    say(f"  {reasons[0]} while {held.memory_bytes >> 20} MiB are reserved")
    expect(not first.call(first.migrations.Check, check).reasons, "it is free again")
    for guest in ("web1", "web2", "web3"):
        say(f"at last: {guest} {networks.bound[guest]}")


if __name__ == "__main__":
    main()
