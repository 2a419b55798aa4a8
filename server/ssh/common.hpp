#pragma once
#include "server/accounts/users.hpp"
#include "server/files/held_bytes.hpp"
#include "server/files/library.hpp"
#include "server/files/open_files.hpp"
#include "server/loop/fair_workers.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/turns.hpp"
#include "server/ssh/costs.hpp"
#include "server/ssh/limits.hpp"
#include "server/ssh/turns.hpp"

namespace server {

class Events;
class LiveSettings;
class Running;

// What all SSH connections have in common. Each of them keeps it, so it goes with the last one. On the loop.
struct SshCommon {
  SshCommon(net::io_context& the_loop, Lanes& all_lanes, Events& all_events, const LiveSettings& in_force,
            Library& what_is_served, Running& all_running)
      : loop(the_loop),
        lanes(all_lanes),
        events(all_events),
        settings(in_force),
        library(what_is_served),
        running(all_running),
        turns(loop),
        polls(lanes.negotiating, 2, 1),
        hashing(lanes.hashing, 2, 2),
        lookups(lanes.disk, 2, 1),
        users(library.depot) {}

  net::io_context& loop;
  Lanes& lanes;
  Events& events;
  const LiveSettings& settings;
  Library& library;
  Running& running;
  OpenFiles open_files;
  HeldBytes held_bytes;
  Turns explaining_turns{3, 8};
  SshLimits limits;
  SshTurns turns;
  SshCosts costs;
  FairWorkers polls;    // reading what a stranger sent, or whoever makes libssh compute for long
  FairWorkers hashing;  // passwords
  FairWorkers
      lookups;  // users, for those who show a key: two of the four threads that open everybody's files
  Users users;
};

}  // namespace server
