#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
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
  std::optional<std::int64_t> until = {};  // before then
  std::optional<std::string> cause = {}, outcome = {};
  std::optional<std::string> text = {};  // a part of the address, the file or the user, in any case
  // Only what comes after this row of a list whose newest stands first; not of holdings.
  struct Row {
    std::int64_t at = 0, id = 0;
  };
  std::optional<Row> after = {};
};

// The history as a reader sees it. Changes nothing; the server may write meanwhile. All lists have the newest
// last. Waits for the disk; throws DatabaseError.
class HistoryQueries {
 public:
  // `over` is asked now and then whether a question takes too long: DatabaseError::Kind::given_up.
  HistoryQueries(const std::filesystem::path& file, std::function<bool()> over);
  // Where nothing is kept: in memory, and empty.
  static HistoryQueries of_nothing(std::function<bool()> over);

  std::vector<record::Transfer> transfers(const HistoryFilter& filter);
  std::vector<record::Holding> holdings(const HistoryFilter& filter);
  std::vector<record::Miss> misses(const HistoryFilter& filter);
  std::vector<record::Login> logins(const HistoryFilter& filter);
  std::vector<record::Import> imports(const HistoryFilter& filter);  // without a client: it has none
  std::vector<record::Act> acts(const HistoryFilter& filter);        // likewise

  // Addresses, those that were seen last; of one address, or of all.
  std::vector<record::Seen> seen(const std::optional<std::string>& address, std::size_t limit);
  std::vector<record::Described> described();  // all
  // How many of a device's newest transfers, `most` at most, had that outcome.
  std::map<std::string, std::int64_t> outcomes_of(const std::string& client, std::size_t most);
  // How many transfers that ended from then on had that outcome; and how many rows of misses are as young.
  std::map<std::string, std::int64_t> outcomes_since(std::int64_t time);
  std::int64_t misses_since(std::int64_t time);
  // What SQLite's quick_check finds first; empty: nothing. Reads the whole file.
  std::string damage();

 private:
  HistoryQueries(const std::filesystem::path& file, Database::Use use, std::function<bool()> over);

  HistoryDatabase database_;
};

}  // namespace storage
