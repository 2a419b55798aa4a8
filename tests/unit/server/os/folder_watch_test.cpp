#include "server/os/folder_watch.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include "tests/support/temp_dir.hpp"

using namespace server;
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

constexpr Clock::time_point at_once{};
Clock::time_point in_an_hour() { return Clock::now() + std::chrono::hours(1); }

std::string text_of(const std::vector<DropChange>& changes) {
  std::string text, last;
  for (const auto& change : changes) {
    const auto* const kind = change.kind == DropChange::Kind::written  ? "written"
                             : change.kind == DropChange::Kind::closed ? "closed"
                             : change.kind == DropChange::Kind::gone   ? "gone"
                             : change.why                              ? "unwatched"
                                                                       : "everything";
    const auto word = kind + (change.name.empty() ? "" : " " + change.name);
    // How many writes the system makes of one is its own matter.
    if (word != last) text += (text.empty() ? "" : ", ") + word;
    last = word;
  }
  return text;
}

// A drop folder that is watched, and a loop that runs only while something is awaited.
struct House {
  test::TempDir dir;
  fs::path drop = dir / "drop";
  net::io_context loop;
  std::optional<DropWatch> watch;
  std::optional<std::vector<DropChange>> changes;

  House() {
    fs::create_directory(drop);
    watch.emplace(loop, drop);
  }

  void ask(Clock::time_point deadline) {
    changes.reset();
    net::co_spawn(loop, watch->next(deadline),
                  [this](const std::exception_ptr& failure, std::vector<DropChange> found) {
                    CHECK(!failure);
                    changes = std::move(found);
                  });
    loop.restart();
    loop.poll();
  }
  std::string answer() {
    while (!changes && loop.run_one_for(std::chrono::seconds(10)) > 0) continue;
    loop.poll();
    return changes ? text_of(*changes) : "nothing was told";
  }
  // What has happened so far.
  std::string told(Clock::time_point deadline = at_once) {
    ask(deadline);
    return answer();
  }
  // A file that is still being written.
  int open(const std::string& name) const {
    return ::open((drop / name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  }
};

}  // namespace

TEST_CASE("a file is written until its writer has closed it") {
  House house;
  CHECK(house.told().empty());
  const int file = house.open("bundle.zip");
  CHECK(house.told() == "written bundle.zip");
  REQUIRE(::write(file, "x", 1) == 1);
  CHECK(house.told() == "written bundle.zip");
  ::close(file);
  CHECK(house.told() == "closed bundle.zip");
  CHECK(house.told().empty());
}

TEST_CASE("a file that is only read changes nothing") {
  House house;
  std::ofstream(house.drop / "bundle.zip") << "x";
  CHECK(house.told() == "written bundle.zip, closed bundle.zip");
  std::ifstream in(house.drop / "bundle.zip");
  std::string text;
  in >> text;
  in.close();
  CHECK(house.told().empty());
}

TEST_CASE("a file that is moved in is whole, and one that is moved out or removed is gone") {
  House house;
  fs::rename(house.dir.write("outside", "x"), house.drop / "a.zip");
  CHECK(house.told() == "closed a.zip");
  fs::rename(house.drop / "a.zip", house.drop / "b.zip");
  CHECK(house.told() == "gone a.zip, closed b.zip");
  fs::rename(house.drop / "b.zip", house.dir / "outside");
  CHECK(house.told() == "gone b.zip");
  fs::rename(house.dir / "outside", house.drop / "c.zip");
  fs::remove(house.drop / "c.zip");
  CHECK(house.told() == "closed c.zip, gone c.zip");
}

TEST_CASE("a name is told as it is, however odd or long") {
  House house;
  for (const auto& name : {std::string("-a \n\x1b[31m\xff"), std::string(255, 'a')}) {
    ::close(house.open(name));
    CHECK(house.told() == "written " + name + ", closed " + name);
  }
}

TEST_CASE("the wait ends as soon as something happens, and not before") {
  House house;
  house.ask(in_an_hour());
  CHECK_FALSE(house.changes);
  ::close(house.open("bundle.zip"));
  CHECK(house.answer() == "written bundle.zip, closed bundle.zip");
}

TEST_CASE("a stop ends the wait without a change, and each later one at once") {
  House house;
  house.ask(in_an_hour());
  ::close(house.open("bundle.zip"));
  house.watch->stop();
  CHECK(house.answer().empty());
  CHECK(house.told(in_an_hour()).empty());
  CHECK(house.loop.poll() == 0);
}

TEST_CASE("a folder that was removed or moved away is watched again once there is one") {
  for (const bool moved : {false, true}) {
    CAPTURE(moved);
    House house;
    if (moved)
      fs::rename(house.drop, house.dir / "elsewhere");
    else
      fs::remove(house.drop);
    CHECK(house.told().empty());
    CHECK(house.told() == "unwatched");
    CHECK(house.told().empty());
    if (moved) std::ofstream(house.dir / "elsewhere/bundle.zip") << "x";
    CHECK(house.told().empty());
    fs::create_directory(house.drop);
    std::ofstream(house.drop / "early.zip") << "x";
    CHECK(house.told(in_an_hour()) == "everything");
    CHECK(house.told().empty());
    ::close(house.open("bundle.zip"));
    CHECK(house.told() == "written bundle.zip, closed bundle.zip");
  }
}

TEST_CASE("where more happened than the system keeps, the whole folder is to be looked at") {
  std::ifstream file("/proc/sys/fs/inotify/max_queued_events");
  int most = 0;
  file >> most;
  House house;
  for (int i = 0; i <= most && most <= 100'000; ++i) ::close(house.open(i % 2 == 0 ? "a" : "b"));
  auto text = house.told();
  CHECK(text.starts_with("written a, closed a, written b, closed b, closed a"));
  for (auto more = text; !more.empty(); more = house.told()) text = more;
  if (most <= 100'000) CHECK(text.ends_with("everything"));
}

TEST_CASE("of much that happens at once a part is told, and the next question has more of it at once") {
  House house;
  constexpr std::size_t files = 2000;
  for (std::size_t i = 0; i < files; ++i) ::close(house.open(std::to_string(i)));
  std::size_t told = 0, answers = 0;
  for (; told < 2 * files; ++answers) {
    house.ask(in_an_hour());
    house.answer();
    REQUIRE(house.changes);
    REQUIRE(house.changes->size() > 0);
    CHECK(house.changes->size() <= 600);  // of the shortest names
    told += house.changes->size();
  }
  CHECK(told == 2 * files);
  CHECK(answers > 1);
  CHECK(house.told().empty());
}

TEST_CASE("a folder that cannot be watched is an error that names it") {
  const test::TempDir dir;
  net::io_context loop;
  for (const auto& [path, code] : {std::pair{dir / "missing", std::errc::no_such_file_or_directory},
                                   std::pair{dir.write("file", "x"), std::errc::not_a_directory}}) {
    try {
      DropWatch(loop, path);
      FAIL("it can be watched");
    } catch (const std::system_error& error) {
      CHECK(error.code() == code);
      CHECK(std::string(error.what()).starts_with("cannot watch " + path.string()));
    }
  }
}
