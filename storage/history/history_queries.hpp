#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/history/records.hpp"
#include "storage/history/schema.hpp"

namespace storage {

// Which rows of the history are wanted. Texts as they stand there, escaped.
struct HistoryFilter {
  std::optional<std::string> client = {};  // an address
  std::optional<std::string> folder = {};  // a release's path
  std::optional<std::string> file = {};    // its path, or its name alone
  std::optional<std::int64_t> since = {};  // milliseconds since 1970
  bool broken = false;                     // transfers that broke off, alone
  std::size_t limit = 100;                 // the newest
};

// The history as a reader sees it. Changes nothing; the server may write meanwhile. All lists have the newest
// last. Waits for the disk; throws DatabaseError.
class HistoryQueries {
 public:
  // `over` is asked now and then whether a question takes too long: DatabaseError::Kind::given_up.
  HistoryQueries(const std::filesystem::path& file, std::function<bool()> over);

  std::vector<record::Transfer> transfers(const HistoryFilter& filter);
  std::vector<record::Holding> holdings(const HistoryFilter& filter);
  std::vector<record::Miss> misses(const HistoryFilter& filter);
  std::vector<record::Login> logins(const HistoryFilter& filter);
  std::vector<record::Import> imports(const HistoryFilter& filter);  // without a client: it has none
  // Every device with when it was heard of last, a second early at most; the newest first.
  std::vector<std::pair<std::string, std::int64_t>> devices(std::size_t limit);
  // What SQLite's quick_check finds first; empty: nothing. Reads the whole file.
  std::string damage();

 private:
  HistoryDatabase database_;
};

}  // namespace storage
