#pragma once
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

struct sqlite3;
struct sqlite3_stmt;

namespace storage {

// What SQLite says when it fails.
class DatabaseError : public std::runtime_error {
 public:
  // `damaged`: the file is not a database, or not a whole one. `empty`: whoever writes it has only just made
  // it. `given_up`: the caller's time is over. All else may succeed later: the disk is full, or another
  // process holds the lock.
  enum class Kind { failed, damaged, empty, given_up };
  DatabaseError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// An SQLite database. SQLite is included nowhere else. One thread at a time uses it and its statements. Every
// call may wait for the disk, and throws DatabaseError.
class Database {
 public:
  // `write` makes the file, mode 0640, where there is none. `read` changes nothing, beside a process that
  // writes or without one.
  enum class Use { write, read };
  Database(const std::filesystem::path& file, Use use);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql);             // one statement or more, without values
  std::int64_t number(const std::string& sql);  // the first column of the first row
  std::int64_t last_id() const;                 // of the last INSERT
  std::int64_t changed() const;                 // rows, by the last statement
  // Asked before each statement with values, and now and then while one runs: true ends that, with
  // Kind::given_up.
  void give_up_when(std::function<bool()> over);

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* database) const;
  };

  std::function<bool()> over_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// Of the library: "3.40.1".
std::string sqlite_version();

// A statement that is prepared once and run with other values each time. Goes before its database.
class Statement {
 public:
  using Value = std::variant<std::int64_t, std::string>;

  Statement(Database& database, std::string_view sql);

  // Begins it with values for its question marks, in their order.
  template <class... Values>
  Statement& with(const Values&... values) {
    begin_again();
    [[maybe_unused]] int place = 0;
    (bind(++place, values), ...);
    return *this;
  }
  void bind(int place, std::string_view text);
  void bind(int place, const std::string& text) { bind(place, std::string_view(text)); }
  void bind(int place, const Value& value) {
    std::visit([&](const auto& each) { bind(place, each); }, value);
  }
  template <std::integral T>
  void bind(int place, T number) {
    bind_number(place, static_cast<std::int64_t>(number));
  }
  template <class T>
  void bind(int place, const std::optional<T>& value) {
    if (value) bind(place, *value);
  }

  bool step();                           // whether there is a row
  void run();                            // to its end
  std::optional<std::int64_t> number();  // runs it, for the first column of its only row

  // Of the present row, from 0 on.
  std::int64_t number(int column) const;
  std::string text(int column) const;
  std::optional<std::int64_t> number_or_none(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  void begin_again();
  void bind_number(int place, std::int64_t number);
  void expect_done(int code);

  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace storage
