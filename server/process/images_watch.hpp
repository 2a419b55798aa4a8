#pragma once
#include <filesystem>
#include <memory>
#include <set>
#include <vector>

#include "server/loop/net.hpp"

namespace storage {
class Catalogue;
class LiveCatalogue;
}  // namespace storage

namespace server {

class Events;
class Workers;

// Keeps the catalogue of the images up to date, so that a miss need not wait for a scan, and tells of what an
// administrator should know of the images: that they cannot be watched, and names that no client can ask for.
// Made, used and destroyed on the loop's thread; what it refers to outlives it.
class ImagesWatch {
 public:
  ImagesWatch(net::io_context& loop, Workers& workers, storage::LiveCatalogue& catalogue, Events& events);
  void look();  // now, and each minute from now on
  void stop();

 private:
  struct Seen {
    bool blind;
    std::vector<std::filesystem::path> unaskable;
  };
  Seen examine();  // on a worker: waits for the disk
  void tell(const Seen& seen);

  Workers& workers_;
  storage::LiveCatalogue& catalogue_;
  Events& events_;
  net::steady_timer timer_;
  // The worker's, and weak: to let go of one that has 20,000 names takes up to 50 ms.
  std::weak_ptr<const storage::Catalogue> last_;
  std::set<std::filesystem::path> told_;  // unaskable names
  bool told_blind_ = false, stopped_ = false;
};

}  // namespace server
