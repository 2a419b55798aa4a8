#include "server/drop/importer.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "conf/load.hpp"
#include "server/events/events.hpp"
#include "server/events/import.hpp"
#include "server/events/process.hpp"
#include "server/events/warning.hpp"
#include "server/loop/lanes.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/digest.hpp"
#include "tests/support/aruba_image.hpp"
#include "tests/support/ntfs_rules.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using storage::Depot;

namespace {

using Texts = std::vector<std::string>;
using Names = std::set<std::string>;

constexpr auto patience = 60s;
constexpr auto a_day = 24h;

// As where a service has as many processes as its TasksMax allows.
std::atomic<bool> no_process_left = false;

// Single images: an archive would be read by a second process, which the test program is not made for.
std::string image(const std::string& version = "8.6.0.4") {
  return test::aruba_image({.version = version, .payload = "forty bytes or so, which are " + version});
}

std::string damaged_image() {
  auto bytes = image();
  bytes.pop_back();
  return bytes;
}

std::string digest_of(const std::string& content, storage::DigestKind kind = storage::DigestKind::sha512) {
  storage::Digest digest(kind);
  digest.update(std::as_bytes(std::span(content)));
  return digest.hex();
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Names names_in(const fs::path& folder) {
  Names names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// A depot and the importer of its drop folder. Nothing happens but when the test lets the loop run.
struct House {
  test::TempDir dir;
  Depot depot{dir / "depot"};
  conf::Import settings = conf::load_defaults().settings.import;
  net::io_context loop;
  Lanes lanes{loop};
  Events events;
  Texts told;                                  // an event each, in a few words
  std::map<std::string, std::string> reasons;  // of what was rejected, failed or warned of, the latest
  std::function<void(const std::string&)> on_event = [](const std::string&) {};
  std::optional<Importer> importer;
  bool over = false;
  int passed = 0;

  House() {
    settings.settle = 0s;
    events.listen([this](const Event& event) { note(event); });
  }
  House(const House&) = delete;
  House& operator=(const House&) = delete;
  ~House() { end(); }

  void begin() {
    importer.emplace(loop, lanes, events, depot, settings);
    net::co_spawn(loop, importer->run(), [this](const std::exception_ptr& error) {
      CHECK(!error);
      over = true;
    });
  }
  void end() {
    if (!importer) return;
    importer->stop();
    CHECK(comes([this] { return over; }));
    importer.reset();
  }

  template <class Condition>
  bool comes(Condition holds) {
    loop.restart();
    const auto guard = net::make_work_guard(loop);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!holds() && std::chrono::steady_clock::now() < until) loop.run_one_for(1s);
    return holds();
  }
  std::size_t times(std::string_view words) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(told, [words](const auto& each) { return each.starts_with(words); }));
  }
  bool hears(std::string_view words, std::size_t count = 1) {
    return comes([&] { return times(words) >= count; });
  }
  // Whatever was done to drop/ before has been looked at: a last file went through after it.
  void pass() {
    const auto name = fmt::format("zz{}.img", ++passed);
    put(name, "of no interest");
    REQUIRE(hears("published " + name));
    std::erase_if(told, [&](const auto& each) { return has(each, name); });
  }

  // In drop/ under its name at once, as a file that was renamed there.
  void put(const std::string& name, const std::string& content) {
    fs::rename(dir.write("arriving", content), depot.drop() / name);
  }
  // Written in place and left alone since then.
  void lay(const std::string& name, const std::string& content, std::chrono::seconds age = a_day) {
    const auto file = dir.write("depot/drop/" + name, content);
    fs::last_write_time(file, fs::file_time_type::clock::now() - age);
  }
  // Somebody opens a file to write to it, and closes it without a change.
  void open_and_close(const std::string& name) {
    const int file = ::open((depot.drop() / name).c_str(), O_WRONLY);
    REQUIRE(file >= 0);
    ::close(file);
  }
  Names lying() const { return names_in(depot.drop()); }
  Names rejected() const { return names_in(depot.rejected()); }

 private:
  void add(std::string words) {
    told.push_back(std::move(words));
    on_event(told.back());
  }
  void add(std::string words, const std::string& about, const std::string& reason) {
    reasons[about] = reason;
    add(std::move(words));
  }
  void note(const Event& event) {
    if (const auto* started = event.get_if<event::ImportStarted>()) add("started " + started->file);
    if (const auto* done = event.get_if<event::Published>())
      add(fmt::format("published {} in {}{}{}", done->file, done->imported.path,
                      done->imported.verified ? "" : ", unverified",
                      done->imported.already_there ? ", again" : ""));
    if (const auto* refused = event.get_if<event::ImportRejected>())
      add(fmt::format("rejected {} to {}", refused->file, refused->moved_to), refused->file, refused->reason);
    if (const auto* failed = event.get_if<event::ImportFailed>())
      add("failed " + failed->file, failed->file, failed->reason);
    if (const auto* gone = event.get_if<event::ImportGone>())
      add((gone->replaced ? "replaced " : "gone ") + gone->file);
    if (const auto* digest = event.get_if<event::DigestCompared>())
      add(fmt::format("{} is {} what {} says, in {}", digest->compared.file,
                      digest->compared.matches ? "just" : "not", digest->compared.where,
                      digest->compared.path));
    if (const auto* waits = event.get_if<event::DigestWaits>()) add("waits " + waits->file);
    if (const auto* ignored = event.get_if<event::DropIgnored>()) add("ignored " + ignored->file);
    if (const auto* retired = event.get_if<event::Retired>())
      add(fmt::format("retired {} to {}, keeping {}", retired->path, retired->moved_to, retired->keep));
    if (const auto* warned = event.get_if<event::Warned>())
      add(fmt::format("warned {}", warning_name(warned->kind)), std::string(warning_name(warned->kind)),
          warned->text);
  }
};

}  // namespace

// In front of the C library's.
extern "C" int posix_spawn(pid_t* process, const char* program, const posix_spawn_file_actions_t* actions,
                           const posix_spawnattr_t* attributes, char* const* arguments,
                           char* const* environment) {
  static const auto spawn = reinterpret_cast<decltype(&posix_spawn)>(::dlsym(RTLD_NEXT, "posix_spawn"));
  return no_process_left ? EAGAIN : spawn(process, program, actions, attributes, arguments, environment);
}

// ---- What is imported, and when

TEST_CASE("an image that lies in the drop folder at the start is published and taken away") {
  House house;
  house.lay("a.bin", image());
  house.begin();
  CHECK(house.hears("published a.bin"));
  CHECK(house.told == Texts{"started a.bin", "published a.bin in /Aruba/8_6_0_4"});
  CHECK(content_of(house.depot.images() / "Aruba/8_6_0_4/a.bin") == image());
  CHECK(house.lying().empty());
  CHECK(house.rejected().empty());
  CHECK(fs::is_empty(house.depot.staging()));
}

TEST_CASE("an image that is renamed into the drop folder later is published without a wait") {
  House house;
  house.begin();
  house.pass();
  house.put("a.bin", image());
  CHECK(house.hears("published a.bin"));
  CHECK(house.lying().empty());
}

TEST_CASE("a file must have lain still for import.settle, however long that is") {
  House house;
  house.settings.settle = 3600s;
  house.lay("a-half-as-long.bin", image("8.6.0.1"), 1800s);
  house.lay("b-of-tomorrow.bin", image("8.6.0.2"), -a_day);
  house.lay("c-long-enough.bin", image("8.6.0.3"));
  house.begin();
  CHECK(house.hears("published c-long-enough.bin"));
  CHECK(house.told == Texts{"started c-long-enough.bin", "published c-long-enough.bin in /Aruba/8_6_0_3"});
  CHECK(house.lying() == Names{"a-half-as-long.bin", "b-of-tomorrow.bin"});
}

TEST_CASE(
    "a file that was not seen to arrive must have lain still for ten seconds, whatever import.settle says") {
  House house;
  house.lay("a-new.bin", image("8.6.0.1"), 0s);
  house.lay("b-old.bin", image("8.6.0.2"), 11s);
  house.begin();
  CHECK(house.hears("published b-old.bin"));
  CHECK(house.told.front() == "started b-old.bin");
}

TEST_CASE("several files are imported one after the other, and a bad one does not hold up the next") {
  House house;
  house.lay("a.bin", image("8.6.0.4"));
  house.lay("b.bin", damaged_image());
  house.lay("c.bin", image("8.6.0.5"));
  house.begin();
  CHECK(house.hears("published c.bin"));
  CHECK(house.told == Texts{"started a.bin", "published a.bin in /Aruba/8_6_0_4", "started b.bin",
                            "rejected b.bin to rejected/b.bin", "started c.bin",
                            "published c.bin in /Aruba/8_6_0_5"});
}

TEST_CASE("a file that somebody still writes to is left alone until it is closed") {
  House house;
  house.lay("a.bin", image());
  const int writer = ::open((house.depot.drop() / "a.bin").c_str(), O_WRONLY);
  REQUIRE(writer >= 0);
  house.begin();
  house.pass();
  CHECK(house.told.empty());
  CHECK(house.lying() == Names{"a.bin"});
  ::close(writer);
  CHECK(house.hears("published a.bin"));
}

TEST_CASE("a file in the making is waited for under its final name") {
  House house;
  const Names unfinished{".a.bin", "a.bin.part", "a.bin.crdownload", "a.bin~", "Thumbs.db"};
  for (const auto& name : unfinished) house.lay(name, image());
  house.begin();
  house.pass();
  CHECK(house.told.empty());
  CHECK(house.lying() == unfinished);
  fs::rename(house.depot.drop() / "a.bin.part", house.depot.drop() / "a.bin");
  CHECK(house.hears("published a.bin"));
  CHECK(house.lying().size() == unfinished.size() - 1);
}

TEST_CASE("what is not a file is never opened, and is told once, and again when it comes again") {
  House house;
  const auto drop = house.depot.drop();
  fs::create_directory(drop / "a-folder.bin");
  fs::create_symlink(house.dir.write("secret.bin", image()), drop / "b-link.bin");
  REQUIRE(::mkfifo((drop / "c-fifo.bin").c_str(), 0600) == 0);
  house.begin();
  const auto move_in = [&](const char* name) {
    fs::create_directory(house.dir / "another");
    fs::rename(house.dir / "another", drop / name);
  };
  for (const auto* name : {"a-folder.bin", "b-link.bin", "c-fifo.bin"}) {  // so that they are seen to arrive
    fs::rename(drop / name, house.dir / name);
    fs::rename(house.dir / name, drop / name);
  }
  house.pass();
  CHECK(house.told == Texts{"ignored a-folder.bin", "ignored b-link.bin", "ignored c-fifo.bin"});
  move_in("a-folder.bin");  // in place of the other, which is empty
  house.pass();
  CHECK(house.times("ignored a-folder.bin") == 1);
  fs::remove(drop / "a-folder.bin");
  move_in("a-folder.bin");
  house.pass();
  CHECK(house.times("ignored a-folder.bin") == 2);
  CHECK(house.lying() == Names{"a-folder.bin", "b-link.bin", "c-fifo.bin"});
  CHECK_FALSE(fs::exists(house.depot.images() / "Aruba"));
}

TEST_CASE("how long a link has lain there is not asked of what it leads to") {
  House house;
  fs::create_symlink(house.depot.drop() / "b-old.bin", house.depot.drop() / "a-link.bin");
  house.lay("b-old.bin", image());
  house.begin();
  CHECK(house.hears("published b-old.bin"));
  CHECK(house.told == Texts{"started b-old.bin", "published b-old.bin in /Aruba/8_6_0_4"});
}

TEST_CASE("a file that goes away while its import begins is told as gone") {
  House house;
  house.lay("a.bin", image());
  house.on_event = [&](const std::string& words) {
    if (words == "started a.bin") fs::remove(house.depot.drop() / "a.bin");
  };
  house.begin();
  CHECK(house.hears("gone a.bin"));
  house.pass();
  CHECK(house.told == Texts{"started a.bin", "gone a.bin"});
  CHECK(house.rejected().empty());
}

// ---- What becomes of the file

TEST_CASE("a rejected file lies beside its reason, and a second one of its name replaces nothing") {
  House house;
  house.begin();
  house.put("a.bin", damaged_image());
  CHECK(house.hears("rejected a.bin to rejected/a.bin"));
  CHECK(has(house.reasons["a.bin"], "cut"));
  CHECK(content_of(house.depot.rejected() / "a.bin.reason.txt") == house.reasons["a.bin"] + "\n");
  house.put("a.bin", damaged_image() + "?!");
  CHECK(house.hears("rejected a.bin to rejected/a.bin.2"));
  CHECK(content_of(house.depot.rejected() / "a.bin") == damaged_image());
  CHECK(house.rejected() == Names{"a.bin", "a.bin.reason.txt", "a.bin.2", "a.bin.2.reason.txt"});
  CHECK(house.lying().empty());
}

TEST_CASE("a full rejected folder keeps a bad file in drop, which is told once until there is room") {
  House house;
  house.settings.max_rejected = 2;
  house.dir.write("depot/rejected/old", "x");
  house.dir.write("depot/rejected/old.reason.txt", "does not count");
  house.lay("a.bin", damaged_image());
  house.lay("b.bin", damaged_image());
  house.begin();
  CHECK(house.hears("failed b.bin"));
  CHECK(house.told ==
        Texts{"started a.bin", "rejected a.bin to rejected/a.bin", "started b.bin", "failed b.bin"});
  CHECK(has(house.reasons["b.bin"],
            "; it cannot be put into rejected/, which holds 2 files, and "
            "import.max_rejected is 2: empty it"));
  house.open_and_close("b.bin");
  house.pass();
  CHECK(house.times("started b.bin") == 1);
  CHECK(house.lying() == Names{"b.bin"});
  fs::remove(house.depot.rejected() / "old");
  house.open_and_close("b.bin");
  CHECK(house.hears("rejected b.bin to rejected/b.bin"));
  CHECK(house.lying().empty());
}

TEST_CASE("a full rejected folder is counted once for all bad files that are looked at together") {
  House house;
  house.settings.max_rejected = 1;
  house.dir.write("depot/rejected/old", "x");
  house.lay("a.bin", damaged_image());
  house.lay("b.bin", damaged_image());
  house.on_event = [&](const std::string& words) {
    if (words == "failed a.bin") fs::remove(house.depot.rejected() / "old");
  };
  house.begin();
  CHECK(house.hears("failed b.bin"));
  house.open_and_close("b.bin");
  CHECK(house.hears("rejected b.bin to rejected/b.bin"));
}

TEST_CASE("another file under the name of one that stays in drop is looked at again") {
  House house;
  house.settings.max_rejected = 1;
  house.dir.write("depot/rejected/old", "x");
  house.lay("a.bin", damaged_image());
  house.begin();
  CHECK(house.hears("failed a.bin"));
  house.put("a.bin", image());
  CHECK(house.hears("published a.bin"));
  CHECK(house.lying().empty());
}

TEST_CASE("a bad file that cannot be moved stays in drop, and leaves no reason in rejected") {
  House house;
  house.dir.write("depot/state/taken", "in the way of a folder");
  house.lay("a.bin", damaged_image());
  house.begin();
  CHECK(house.hears("failed a.bin"));
  CHECK(has(house.reasons["a.bin"], "in the way of a folder"));
  CHECK(house.rejected().empty());
  CHECK(content_of(house.depot.drop() / "a.bin") == damaged_image());
}

TEST_CASE("an image that cannot be taken away is published, told once and not imported again") {
  House house;
  house.dir.write("depot/state/taken", "in the way of a folder");
  house.lay("a.bin", image());
  house.begin();
  CHECK(house.hears("warned imported"));
  CHECK(house.told == Texts{"started a.bin", "published a.bin in /Aruba/8_6_0_4", "warned imported"});
  CHECK(house.reasons["imported"].starts_with("it is published, but stays in drop/: "));
  house.open_and_close("a.bin");
  house.put("b.bin", image("8.6.0.5"));
  CHECK(house.hears("published b.bin"));
  CHECK(house.times("started a.bin") == 1);
  CHECK(house.lying() == Names{"a.bin", "b.bin"});
}

TEST_CASE("a system that starts no more processes is asked again after a while, not each second") {
  House house;
  house.lay("a.gz", "\x1f\x8b");
  house.lay("b.bin", image(), 8s);  // its turn comes two seconds later
  no_process_left = true;
  house.begin();
  CHECK(house.hears("published b.bin"));
  no_process_left = false;
  CHECK(house.times("failed a.gz") == 1);
  CHECK(has(house.reasons["a.gz"], "cannot start the process that reads archives"));
}

TEST_CASE("a depot that fails is told, the file stays, and the next one is imported") {
  House house;
  const auto manifests = house.depot.manifests();
  fs::remove_all(manifests);
  house.lay("a.bin", image("8.6.0.4"));
  house.lay("b.bin", image("8.6.0.5"));
  house.on_event = [&](const std::string& words) {
    if (words == "failed a.bin") fs::create_directory(manifests);
  };
  house.begin();
  CHECK(house.hears("published b.bin"));
  CHECK(house.told ==
        Texts{"started a.bin", "failed a.bin", "started b.bin", "published b.bin in /Aruba/8_6_0_5"});
  CHECK(has(house.reasons["a.bin"], "manifests"));
  CHECK(house.lying() == Names{"a.bin"});
  CHECK(house.rejected().empty());
}

TEST_CASE("a published file may be kept, and a second copy of it is not") {
  House house;
  house.settings.keep_bundles = true;
  house.begin();
  house.put("a.bin", image());
  CHECK(house.hears("published a.bin"));
  CHECK(content_of(house.depot.bundles() / "a.bin") == image());
  house.put("a.bin", image());
  CHECK(house.hears("published a.bin in /Aruba/8_6_0_4, again"));
  CHECK(names_in(house.depot.bundles()) == Names{"a.bin"});
  CHECK(house.lying().empty());
}

TEST_CASE("the oldest releases beyond import.keep are retired after the new one is published") {
  House house;
  house.settings.keep = 2;
  for (const auto* number : {"1", "2", "3"})
    house.lay(std::string(number) + ".bin", image(std::string("8.6.0.") + number));
  house.begin();
  CHECK(house.hears("retired"));
  CHECK(house.told.at(house.told.size() - 2) == "published 3.bin in /Aruba/8_6_0_3");
  CHECK(house.told.back() == "retired /Aruba/8_6_0_1 to retired/Aruba/8_6_0_1, keeping 2");
  CHECK(names_in(house.depot.images() / "Aruba") == Names{"8_6_0_2", "8_6_0_3"});
}

// ---- Digest files

TEST_CASE("a digest file beside an image verifies it, and goes with it") {
  House house;
  house.lay("a.img", "whatever");
  house.lay("a.img.sha512", digest_of("whatever"));
  house.lay("b.img", "nobody vouches for it");
  house.begin();
  CHECK(house.hears("published b.img"));
  house.pass();
  CHECK(house.told == Texts{"started a.img", "published a.img in /other/a.img", "started b.img",
                            "published b.img in /other/b.img, unverified"});
  CHECK(house.lying().empty());
}

TEST_CASE("an image that differs from its digest is rejected, and the digest file follows it") {
  House house;
  house.lay("a.img", "whatever");
  house.lay("a.img.sha512", digest_of("something else"));
  house.begin();
  CHECK(house.hears("rejected a.img to rejected/a.img"));
  house.pass();
  CHECK(house.told == Texts{"started a.img", "rejected a.img to rejected/a.img"});
  CHECK(has(house.reasons["a.img"], "its SHA-512 is " + digest_of("whatever")));
  CHECK(house.rejected() == Names{"a.img", "a.img.reason.txt", "a.img.sha512", "a.img.sha512.reason.txt"});
}

TEST_CASE("a digest file that cannot be taken away changes nothing about what became of its image") {
  House house;
  house.lay("a.img", "whatever");
  house.lay("a.img.sha512", digest_of("whatever"));
  house.lay("b.img", "whatever");
  house.lay("b.img.sha512", digest_of("something else"));
  test::NtfsRules rules;
  rules.hold(house.depot.drop() / "a.img.sha512");
  rules.hold(house.depot.drop() / "b.img.sha512");
  house.on_event = [&](const std::string& words) {
    if (words == "warned imported")
      CHECK(house.reasons["imported"].starts_with("it is published, but its checksum file stays in drop/: "));
  };
  house.begin();
  CHECK(house.hears("rejected b.img to rejected/b.img"));
  CHECK(house.hears("warned drop_folder"));
  CHECK(house.times("published a.img in /other/a.img") == 1);
  CHECK(house.times("warned imported") == 1);
  CHECK(house.times("failed a.img") == house.times("failed a.img.sha512"));
  CHECK(house.times("failed b.img") == house.times("failed b.img.sha512"));
  CHECK(has(house.reasons["b.img"], "its SHA-512 is "));
  CHECK(house.reasons["drop_folder"].starts_with("it is rejected, but its checksum file stays in drop/: "));
  CHECK(house.lying() == Names{"a.img.sha512", "b.img.sha512"});
}

TEST_CASE("a digest file without a digest in it is rejected, and so is the image beside it") {
  House house;
  house.lay("a.img", "whatever");
  house.lay("a.img.sha512", "<html>404</html>");
  house.begin();
  CHECK(house.hears("rejected a.img.sha512"));
  CHECK(house.told == Texts{"started a.img", "rejected a.img to rejected/a.img",
                            "rejected a.img.sha512 to rejected/a.img.sha512"});
  CHECK(has(house.reasons["a.img"], "a.img.sha512"));
  CHECK(has(house.reasons["a.img"], "holds no SHA-512 digest"));
  CHECK(house.lying().empty());
}

TEST_CASE("a digest that comes after its image is compared and taken away, whether it is right or wrong") {
  House house;
  house.begin();
  house.put("a.img", "whatever");
  CHECK(house.hears("published a.img"));
  house.put("a.img.sha512", digest_of("whatever"));
  CHECK(house.hears("a.img is just what a.img.sha512 says, in /other"));
  house.put("a.img.md5", digest_of("something else", storage::DigestKind::md5));
  CHECK(house.hears("a.img is not what a.img.md5 says, in /other"));
  CHECK(house.lying().empty());
  CHECK(house.rejected().empty());
}

TEST_CASE("a digest file about nothing that is here waits, and is told once until its image was imported") {
  House house;
  house.begin();
  house.put("a.img.sha512", digest_of("whatever"));
  CHECK(house.hears("waits a.img.sha512"));
  house.open_and_close("a.img.sha512");
  house.pass();
  house.open_and_close("a.img.sha512");
  house.pass();
  CHECK(house.told == Texts{"waits a.img.sha512"});
  CHECK(house.lying() == Names{"a.img.sha512"});
  // By a command, beside this server.
  storage::import_bundle(house.depot, house.dir.write("a.img", "whatever"), house.settings);
  house.open_and_close("a.img.sha512");
  CHECK(house.hears("a.img is just what a.img.sha512 says, in /other"));
  CHECK(house.lying().empty());
}

TEST_CASE("a digest file that went away and came back waits again, and that is told") {
  House house;
  house.begin();
  for (std::size_t i = 1; i <= 2; ++i) {
    house.put("a.img.sha512", digest_of("whatever"));
    CHECK(house.hears("waits a.img.sha512", i));
    fs::remove(house.depot.drop() / "a.img.sha512");
    house.pass();
  }
}

// ---- The folder, and the end

TEST_CASE("of more than can be waited for a part is looked at, which is told, and then the rest of it") {
  House house;
  const auto drop = house.depot.drop();
  constexpr auto at_once = 2 * storage::DropFolder::most_names, lying = at_once + 3;
  for (std::size_t i = 0; i < lying; ++i) {
    const auto folder = drop / fmt::format("folder-{}", i);
    fs::create_directory(folder);
    fs::last_write_time(folder, fs::file_time_type::clock::now() - a_day);
  }
  house.begin();
  CHECK(house.hears("ignored", storage::DropFolder::most_names));
  CHECK(house.times("warned drop_folder") == 1);
  CHECK(has(house.reasons["drop_folder"], fmt::format("{} wait", lying - storage::DropFolder::most_names)));
  house.pass();
  CHECK(house.times("ignored") == storage::DropFolder::most_names);
  const auto look_again = [&] {
    fs::rename(drop, house.dir / "elsewhere");
    fs::rename(house.dir / "elsewhere", drop);
  };
  look_again();
  CHECK(house.hears("ignored", at_once));
  look_again();
  CHECK(house.hears("ignored", lying));
  CHECK(house.times("warned drop_folder") == 1);
}

TEST_CASE(
    "of what stays in the drop folder so much is remembered, and what arrives is imported all the same") {
  House house;
  const auto drop = house.depot.drop();
  constexpr auto most = Importer::most_remembered, lying = most + 5;
  const auto folder = [&](std::size_t i) { return drop / fmt::format("folder-{}", i); };
  for (std::size_t i = 0; i < lying; ++i) {
    fs::create_directory(folder(i));
    fs::last_write_time(folder(i), fs::file_time_type::clock::now() - a_day);
  }
  const auto look_again = [&] {
    fs::rename(drop, house.dir / "elsewhere");
    fs::rename(house.dir / "elsewhere", drop);
  };
  house.begin();
  for (auto told = storage::DropFolder::most_names; told < most; told += storage::DropFolder::most_names) {
    REQUIRE(house.hears("ignored", told));
    look_again();
  }
  REQUIRE(house.hears("ignored", most));
  look_again();
  CHECK(house.hears("warned drop_folder", 2));
  CHECK(has(house.reasons["drop_folder"], fmt::format("holds {} entries that stay there", most)));
  house.put("a.bin", image());
  CHECK(house.hears("published a.bin"));
  CHECK(house.times("ignored") == most);

  constexpr std::string_view ignored = "ignored ";
  std::size_t removed = 0;
  for (const auto& words : house.told) {
    if (removed < 10 && words.starts_with(ignored) && fs::remove(drop / words.substr(ignored.size())))
      ++removed;
  }
  look_again();
  CHECK(house.hears("ignored", lying));
}

TEST_CASE("a drop folder that is replaced by another is looked through at once, and watched again") {
  House house;
  house.begin();
  house.pass();
  fs::rename(house.depot.drop(), house.dir / "old");
  fs::create_directory(house.depot.drop());
  house.lay("a.bin", image());
  CHECK(house.hears("published a.bin"));
  house.put("b.bin", image("8.6.0.5"));
  CHECK(house.hears("published b.bin"));
}

TEST_CASE("a drop folder that can be neither read nor watched is told") {
  House house;
  Texts warned;
  house.on_event = [&](const std::string& words) {
    if (words == "warned drop_folder") warned.push_back(house.reasons["drop_folder"]);
  };
  house.begin();
  fs::rename(house.depot.drop(), house.dir / "elsewhere");
  CHECK(house.hears("warned drop_folder", 2));
  REQUIRE(warned.size() == 2);
  CHECK(warned[0] ==
        "drop/ cannot be read: No such file or directory; make the folder, or give this user the right to "
        "read it");
  CHECK(warned[1].starts_with("drop/ cannot be watched: No such file or directory; "));
}

TEST_CASE("a drop folder that is not there is an error at the start") {
  House house;
  fs::remove(house.depot.drop());
  try {
    house.begin();
    FAIL("it is watched after all");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::no_such_file_or_directory);
    CHECK(has(error.what(), "cannot watch " + house.depot.drop().string()));
  }
}

TEST_CASE("while another server imports, this one says so once, touches nothing, and can be stopped") {
  House house;
  const auto other = storage::hold_drop(house.depot);
  REQUIRE(other);
  house.lay("a.bin", image());
  house.begin();
  CHECK(house.hears("warned drop_folder"));
  CHECK(house.reasons["drop_folder"].starts_with("another server imports what is put into drop/ "));
  CHECK(house.told.size() == 1);
  CHECK(house.lying() == Names{"a.bin"});
  house.importer->stop();
  house.loop.restart();
  house.loop.poll();
  CHECK(house.over);
}

TEST_CASE("a server that is stopped ends what it imports, and leaves the rest and drop/ itself to others") {
  House house;
  house.lay("a.bin", image("8.6.0.4"));
  house.lay("b.bin", image("8.6.0.5"));
  house.on_event = [&](const std::string& words) {
    if (words == "started a.bin") house.importer->stop();
  };
  house.begin();
  CHECK(house.comes([&] { return house.over; }));
  CHECK(house.told == Texts{"started a.bin", "published a.bin in /Aruba/8_6_0_4"});
  CHECK(house.lying() == Names{"b.bin"});
  CHECK_FALSE(storage::hold_drop(house.depot));
  house.importer.reset();
  CHECK(storage::hold_drop(house.depot));
}
