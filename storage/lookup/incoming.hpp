#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/depot/depot.hpp"
#include "storage/lookup/archived.hpp"

namespace storage {

// A bundle in drop/ that is not published yet.
struct Incoming {
  Archived archive;                      // its path is below drop/
  std::optional<unsigned> percent = {};  // of its import; nothing while it waits for its turn
};

// The bundles that the depot will have soon, for whoever explains why a file is not there. Safe from any
// thread. The importer says how far it is; without an importer, as in a command, all of them wait.
class IncomingBundles {
 public:
  explicit IncomingBundles(const Depot& depot) : depot_(depot) {}

  void begins(std::string name);  // a file in drop/
  void goes_on(std::uint64_t done, std::uint64_t total);
  void ends();

  // The one being imported first, and no more than a few, by their names alone. Lists drop/: may wait for the
  // disk.
  std::vector<Incoming> now() const;

 private:
  struct Import {
    std::string name;
    std::uint64_t done = 0, total = 0;
  };
  std::optional<Import> import() const;

  const Depot& depot_;
  mutable std::mutex mutex_;
  std::optional<Import> import_;
};

}  // namespace storage
