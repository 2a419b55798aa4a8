#pragma once
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "server/drop_watch.hpp"
#include "server/shared.hpp"
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
  struct Refused {
    std::string reason, moved_to;
  };
  using Outcome = std::variant<Done, Refused, std::string>;

  net::awaitable<void> look_around();
  net::awaitable<void> import(std::string name);
  void tell(const std::string& name, const Outcome& outcome, double seconds);
  Outcome import_now(const std::string& name) const;  // on a worker
  void note(const DropChange& change);

  Shared& shared_;
  const conf::Import settings_;
  storage::DropFolder folder_;
  DropWatch watch_;
  std::set<std::string> ignored_;  // what is no file, and was told
  bool stopping_ = false;
};

}  // namespace server
