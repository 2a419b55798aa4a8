#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "storage/files/path.hpp"
#include "storage/files/tree_watch.hpp"

namespace storage {

class Catalogue;
class Depot;

// The catalogue of a depot's images, which follows the file system: whoever asks gets what was there at that
// moment, and nothing is scanned unless something changed since the last time. Safe from any thread; may wait
// for the disk, and for another thread's scan: for workers.
class LiveCatalogue {
 public:
  explicit LiveCatalogue(const Depot& depot);

  // Of the images, or of the folder of them that a user sees as "/". Nothing when that cannot be opened.
  std::shared_ptr<const Catalogue> now(const Path& root = {});
  const Depot& depot() const { return depot_; }
  // Whether some folder cannot be watched, so that it is scanned each time.
  bool scans_each_time();

 private:
  struct Kept {
    std::shared_ptr<const Catalogue> catalogue;
    TreeWatch watch;
    std::uint64_t device = 0, number = 0;  // of the folder: another one may be in its place
  };
  static bool holds(const Kept& kept, const Attributes& root);

  const Depot& depot_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;                // one a user's root
  const std::shared_ptr<const Catalogue> nothing_;  // below uploads/
};

}  // namespace storage
