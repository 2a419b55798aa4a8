#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "storage/history/history_queries.hpp"
#include "storage/history/record_book.hpp"
#include "tests/support/temp_dir.hpp"

using namespace storage;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t now = 20'000LL * 24 * 3'600'000;

record::Transfer transfer(std::int64_t ended) {
  record::Transfer made;
  made.started = ended - 2000, made.ended = ended;
  made.client = "192.0.2.7", made.protocol = "tftp", made.file = "/EWC/17_9_4a/ap1g8";
  made.outcome = "whole", made.cause = "complete";
  return made;
}

void write(RecordBook& book, const Record& record) { book.write({&record, 1}); }

std::vector<record::Transfer> transfers(const fs::path& file) {
  return HistoryQueries(file, [] { return false; }).transfers({.limit = 1'000'000});
}

}  // namespace

TEST_CASE("the file and its log are for owner and group") {
  const test::TempDir directory;
  RecordBook book(directory / "history.db");
  write(book, transfer(now));
  for (const auto* const name : {"history.db", "history.db-wal"}) {
    struct stat status {};
    REQUIRE(::stat((directory / name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0640U);
  }
}

TEST_CASE("another process reads while this one writes") {
  const test::TempDir directory;
  const auto file = directory / "history.db";
  std::array<int, 2> begin{};
  REQUIRE(::pipe(begin.data()) == 0);
  const auto child = ::fork();  // before SQLite has opened anything
  if (child == 0) {
    int failed = 1;
    char signal = 0;
    if (::read(begin[0], &signal, 1) == 1) try {
        std::size_t last = 0;
        while (last < 200) {
          const auto found = transfers(file).size();
          if (found < last) break;  // what was there is gone
          last = found;
        }
        failed = last == 200 ? 0 : 2;
      } catch (const DatabaseError&) {
        failed = 3;
      }
    ::_exit(failed);
  }
  RecordBook book(file);
  REQUIRE(::write(begin[1], "x", 1) == 1);
  for (int i = 0; i < 200; ++i) write(book, transfer(now + i));
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  ::close(begin[0]);
  ::close(begin[1]);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
