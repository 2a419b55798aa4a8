#pragma once
#include <cstddef>

#include "server/loop/batch_close.hpp"
#include "server/loop/fair_workers.hpp"
#include "server/loop/workers.hpp"

namespace server {

// The threads for what would block the loop, in lanes, so that work of one kind never waits for another's.
// Made on the loop's thread, and outlives whatever uses it.
struct Lanes {
  explicit Lanes(net::io_context& loop)
      : disk(loop, 4),
        content(loop, 8),
        explaining(loop, 1),
        negotiating(loop, 2),
        hashing(loop, 2),
        importing(loop, 1),
        asking(loop, 2),
        closing(loop, disk) {}

  std::size_t busy() const {
    return disk.busy() + content.busy() + explaining.busy() + negotiating.busy() + hashing.busy() +
           importing.busy() + asking.busy();
  }

  Workers disk;         // names: lookups, folders, what opens and closes
  Workers content;      // files' bytes: a slow disk must not keep anybody from opening what lies on another
  Workers explaining;   // misses, which look at every release: never in the way of somebody's file
  Workers negotiating;  // key exchanges: group16 takes 40 ms, and anybody may ask for one
  Workers hashing;      // passwords: a storm of logins must not keep anybody from a file
  Workers importing;    // one bundle at a time
  Workers asking;       // answers to administrators: the history, releases, the doctor

  // Clients' work by address (a /64 in IPv6), each in its turn and with a part of the threads: whoever asks
  // for much, or for files on a slow disk, keeps nobody else waiting. Uploads and changes have a part of the
  // threads in all: a sync takes as long as its disk likes, and reads must not wait for it. What is quick
  // waits at the threads, or they would be idle until the loop's next turn.
  FairWorkers finding{disk, 64, 2, 64};     // lookups, folders, what is opened to be read
  FairWorkers changing{disk, 2, 1};         // names, and uploads that begin
  FairWorkers reading{content, 64, 4, 64};  // files' bytes
  FairWorkers storing{content, 4, 2};       // the same

  BatchClose closing;  // of images that were read
};

}  // namespace server
