#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/history/database.hpp"

namespace storage {

// The ids of texts in one table of the history. Remembers those that were used lately, at most `most`: a
// question to the table takes ten times as long as a row. One thread at a time, in a transaction.
class KeptTexts {
 public:
  static constexpr std::size_t most = 10'000;

  // `table` has the columns id, text, first_at and last_at. `last_at` is written again once a use is more
  // than `interval` milliseconds younger.
  KeptTexts(Database& database, std::string_view table, std::int64_t interval);

  // Of the text that is there or is added.
  std::int64_t id_of(const std::string& text, std::int64_t now);
  // After a transaction that was rolled back, or rows that somebody has removed.
  void forget() { known_.clear(); }
  std::size_t remembered() const { return known_.size(); }

 private:
  struct Known {
    std::int64_t id = 0, last_at = 0;
  };
  Known find_or_add(const std::string& text, std::int64_t now);

  Database& database_;
  const std::int64_t interval_;
  Statement find_, add_, touch_;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace storage
