#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "server/drop_watch.hpp"
#include "server/shared.hpp"
#include "storage/drop_digests.hpp"
#include "storage/drop_folder.hpp"
#include "storage/retire.hpp"

namespace server {

// Watches drop/ and imports what lands there, one file after the other. Lives on the loop; the unpacking is a
// worker's.
class Importer {
 public:
  // Throws std::system_error when drop/ cannot be watched.
  explicit Importer(Shared& shared);

  net::awaitable<void> run();  // until stop()
  void stop();

 private:
  struct Done {
    storage::Imported imported;
    std::string left_over;                  // why the file could not be taken out of drop/
    std::vector<storage::Retired> retired;  // for import.keep
    std::vector<std::string> problems;      // with that
  };
  struct Compared {  // a digest file
    std::vector<storage::ComparedDigest> digests;
  };
  // Of the import that runs: written by its worker, told by the loop every few seconds.
  struct HowFar {
    std::atomic<std::uint64_t> done = 0, total = 0;
  };
  struct Refused {
    std::string reason, moved_to;
  };
  struct Failed {
    std::string problem;
    std::chrono::seconds pause;  // before it is tried again
  };
  using Outcome = std::variant<Done, Compared, Refused, Failed>;

  net::awaitable<void> look_around();
  net::awaitable<void> import(std::string name);
  void tell(const std::string& name, const Outcome& outcome, double seconds);
  void tell(const std::string& name, const Done& done, double seconds);
  void tell(const std::string& name, const Compared& compared);
  void tell_progress(const std::string& name);
  Outcome import_now(const std::string& name) const;  // on a worker, as the rest
  Outcome publish_now(const std::string& name, const std::vector<std::string>& digest_files) const;
  void take_away(const std::string& name, const storage::Imported& imported) const;
  void note(const DropChange& change);

  Shared& shared_;
  const conf::Import settings_;
  storage::DropFolder folder_;
  DropWatch watch_;
  net::steady_timer progress_timer_;
  std::shared_ptr<HowFar> how_far_;  // only while a bundle is imported
  std::set<std::string> ignored_;    // what is no file or waits, and was told
  bool stopping_ = false;
};

}  // namespace server
