#pragma once
#include "server/accounts/users.hpp"
#include "server/files/shared.hpp"
#include "server/loop/fair_workers.hpp"
#include "server/ssh/costs.hpp"
#include "server/ssh/limits.hpp"
#include "server/ssh/turns.hpp"

namespace server {

// What all SSH connections have in common. Each of them keeps it, so it goes with the last one. On the loop.
struct SshCommon {
  explicit SshCommon(Shared& shared_by_all)
      : shared(shared_by_all),
        turns(shared.loop),
        polls(shared.negotiating, 2, 1),
        hashing(shared.hashing, 2, 2),
        lookups(shared.disk, 2, 1),
        users(shared.depot) {}

  Shared& shared;
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
