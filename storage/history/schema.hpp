#pragma once
#include "storage/history/database.hpp"

namespace storage {

// state/history.db with its tables. Times in it are milliseconds since 1970; texts are escaped as in the log.
class HistoryDatabase : public Database {
 public:
  // To write, it makes what is missing. Throws DatabaseError: Kind::damaged for the database of another
  // program too, Kind::failed for that of a newer apdepot, Kind::empty to a reader who comes while it is
  // made.
  HistoryDatabase(const std::filesystem::path& file, Use use);

  // 1 of a file that only an older apdepot has written: it has no acts and nothing that was said of devices.
  std::int64_t schema();

 private:
  void prepare();
  void expect_version();
  bool is_empty();
};

}  // namespace storage
