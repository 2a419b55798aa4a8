#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <tuple>

#include "storage/history/kept_texts.hpp"
#include "storage/history/records.hpp"
#include "storage/history/schema.hpp"

namespace storage {

// The history as its only writer sees it: state/history.db. One thread at a time; waits for the disk. Throws
// DatabaseError: then nothing of that call is written, and a new book may be opened.
class RecordBook {
 public:
  struct Limits {
    std::int64_t since = 0;       // milliseconds since 1970: what is older goes
    std::uint64_t max_bytes = 0;  // beyond it the oldest goes
  };
  static constexpr std::int64_t batch = 1000;  // rows that prune() removes of a table at once

  explicit RecordBook(const std::filesystem::path& file);

  // All or none, in one transaction that is on the disk when this returns.
  void write(std::span<const Record> records);
  // Removes a batch of what the limits say, the oldest first, and gives its room back. True: there may be
  // more.
  bool prune(const Limits& limits);

  std::size_t remembered() const { return names_.remembered() + devices_.remembered(); }

 private:
  void begin();
  void roll_back() noexcept;
  void forget();
  void add(const record::Transfer& transfer);
  void add(const record::Miss& miss);
  void add(const record::Login& login);
  void add(const record::Import& done);
  void add(const record::Act& act);
  void add(const record::Descriptions& said);
  void add(const record::Described& device);
  std::int64_t remove_until(std::int64_t time);
  std::int64_t remove_described(std::int64_t time);
  std::int64_t remove_oldest();
  std::int64_t remove_unused_texts();
  std::uint64_t used_bytes();

  using Failure = std::tuple<std::int64_t, std::int64_t, std::int64_t>;  // device, user, outcome
  struct Folded {
    std::int64_t id = 0, at = 0;
  };

  HistoryDatabase database_;
  KeptTexts names_, devices_;
  Statement add_transfer_, add_holding_, add_miss_, add_login_, count_login_, add_import_, add_act_,
      forget_described_, describe_;
  std::map<Failure, Folded> failures_;  // of logins
  std::int64_t data_version_ = 0;
};

}  // namespace storage
