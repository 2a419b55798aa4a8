#include "protocols/sftp/session.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <string>

#include "storage/depot/upload_error.hpp"
#include "tests/unit/protocols/sftp/client.hpp"

using namespace test;
using storage::Kind;

namespace {

storage::Attributes file_of(std::uint64_t size) {
  storage::Attributes a;
  a.kind = Kind::file;
  a.size = size;
  a.mode = 0100644;
  return a;
}

}  // namespace

TEST_CASE("INIT is answered with version 3, and what is offered to read-only users, whatever the version") {
  for (const std::uint32_t version : {1U, 3U, 6U}) {
    Session session(0);
    REQUIRE(session.feed(Packet(Type::init).u32(version).bytes()));
    CHECK_FALSE(session.poll());
    const auto bytes = session.output().bytes();
    CHECK(static_cast<Type>(bytes[4]) == Type::version);
    Reader reader(bytes.subspan(5));
    CHECK(reader.u32() == 3);
    for (const std::string_view text :
         {"statvfs@openssh.com", "2", "fstatvfs@openssh.com", "2", "limits@openssh.com", "1",
          "expand-path@openssh.com", "1", "home-directory", "1"})
      CHECK(reader.string() == text);
    reader.u32();
    CHECK_FALSE(reader.ok());
    const auto events = session.take_events();
    REQUIRE(events.size() == 1);
    CHECK(std::get<event::ClientVersion>(events[0]).version == version);
  }
}

TEST_CASE("anything before INIT, and a second INIT, breaks the session") {
  Session early(0);
  REQUIRE(early.feed(Packet(Type::realpath).u32(1).string(".").bytes()));
  CHECK_FALSE(early.poll());
  CHECK(early.broken());
  Started again;
  again.send(Packet(Type::init).u32(3));
  CHECK_FALSE(again.session.poll());
  CHECK(again.session.broken());
}

TEST_CASE("realpath answers from the virtual root, so that relative and absolute mean the same") {
  struct Row {
    std::string_view asked, text;
  };
  for (const auto& [asked, text] :
       {Row{".", "/"}, Row{"", "/"}, Row{"/", "/"}, Row{"/..", "/"}, Row{"../..", "/"},
        Row{"EWC//17_9_4a/.", "/EWC/17_9_4a"}, Row{"/EWC/../ME", "/ME"}}) {
    CAPTURE(asked);
    Started s;
    const auto reply = s.reply_to(Packet(Type::realpath).u32(9).string(asked));
    CHECK(reply.type == Type::name);
    CHECK(reply.id == 9);
    auto reader = reply.reader();
    CHECK(reader.u32() == 1);
    CHECK(reader.string() == text);
  }
}

TEST_CASE("a read goes from OPEN to CLOSE, and its bytes are counted") {
  Started s;
  const auto handle = s.open("/EWC/17_9_4a/ap1g8");
  const auto read = s.asked_by<ReadOpen>(Packet(Type::read).u32(2).string(handle).u64(100).u32(10));
  CHECK(read.offset == 100);
  REQUIRE(read.into.size() == 10);
  std::memcpy(read.into.data(), "abcdef", 6);
  s.session.done(std::size_t{6});
  const auto data = s.only_reply();
  CHECK(data.type == Type::data);
  CHECK(data.id == 2);
  CHECK(data.reader().string() == "abcdef");
  CHECK(data.rest.size() == 4 + 6);

  s.asked_by<ReadOpen>(Packet(Type::read).u32(3).string(handle).u64(106).u32(10));
  s.session.done(std::size_t{0});
  CHECK(s.only_reply().status() == Status::eof);

  s.asked_by<CloseOpen>(Packet(Type::close).u32(4).string(handle));
  s.session.done(Done{});
  CHECK(s.only_reply().status() == Status::ok);
  const auto events = s.session.take_events();
  const auto close =
      std::ranges::find_if(events, [](const Event& e) { return std::holds_alternative<event::Close>(e); });
  REQUIRE(close != events.end());
  CHECK(std::get<event::Close>(*close).read == 6);
  CHECK(s.reply_to(Packet(Type::read).u32(5).string(handle).u64(0).u32(1)).status() == Status::failure);
}

TEST_CASE(
    "READ of nothing is an empty DATA, a long one is cut to what limits@openssh.com says, beyond a file "
    "fails") {
  Started s;
  const auto handle = s.open("/f");
  s.asked_by<ReadOpen>(Packet(Type::read).u32(2).string(handle).u64(0).u32(0));
  s.session.done(std::size_t{0});
  const auto data = s.only_reply();
  CHECK(data.type == Type::data);
  CHECK(data.reader().string().empty());
  const auto long_read =
      s.asked_by<ReadOpen>(Packet(Type::read).u32(3).string(handle).u64(0).u32(0xffffffff));
  CHECK(long_read.into.size() == 261'120);
  s.session.done(std::size_t{0});
  s.only_reply();
  CHECK(s.reply_to(Packet(Type::read).u32(4).string(handle).u64(~0ULL).u32(10)).status() == Status::failure);
}

TEST_CASE("everything that writes is refused, without looking at anything") {
  using P = Packet;
  const std::vector<P> requests{
      P(Type::write).u32(1).string("h").u64(0).string("x"),
      P(Type::setstat).u32(1).string("/f").u32(0),
      P(Type::fsetstat).u32(1).string("h").u32(0),
      P(Type::remove).u32(1).string("/f"),
      P(Type::mkdir).u32(1).string("/f").u32(0),
      P(Type::rmdir).u32(1).string("/f"),
      P(Type::rename).u32(1).string("/f").string("/g"),
      P(Type::symlink).u32(1).string("/f").string("/g"),
      P(Type::extended).u32(1).string("posix-rename@openssh.com").string("/f").string("/g"),
      P(Type::extended).u32(1).string("hardlink@openssh.com").string("/f").string("/g"),
      P(Type::extended).u32(1).string("fsync@openssh.com").string("h"),
      P(Type::extended).u32(1).string("lsetstat@openssh.com").string("/f").u32(0),
      P(Type::extended).u32(1).string("copy-data")};
  for (const auto& request : requests)
    CHECK(Started().reply_to(request).status() == Status::permission_denied);
  // WRITE, READ|WRITE, CREATE, TRUNCATE|WRITE, APPEND, WRITE|CREATE|EXCL
  for (const std::uint32_t flags : {0x02U, 0x03U, 0x08U, 0x12U, 0x04U, 0x2aU}) {
    CHECK(Started().reply_to(P(Type::open).u32(1).string("/f").u32(flags).u32(0)).status() ==
          Status::permission_denied);
  }
}

TEST_CASE("an unknown request, and an unknown extension, is unsupported") {
  CHECK(Started().reply_to(Packet(static_cast<Type>(99)).u32(1)).status() == Status::op_unsupported);
  CHECK(Started().reply_to(Packet(Type::extended).u32(1).string("who@knows")).status() ==
        Status::op_unsupported);
}

TEST_CASE("limits@openssh.com tells packet, read, write and handles") {
  Started s;
  const auto reply = s.reply_to(Packet(Type::extended).u32(7).string("limits@openssh.com"));
  CHECK(reply.type == Type::extended_reply);
  auto reader = reply.reader();
  CHECK(reader.u64() == 262'144);
  CHECK(reader.u64() == 261'120);
  CHECK(reader.u64() == 261'120);
  CHECK(reader.u64() == 1024);
}

TEST_CASE("attributes carry size, owner, mode and times") {
  Started s;
  const auto examine = s.asked_by<Examine>(Packet(Type::stat).u32(5).string("EWC"));
  CHECK(examine.path.text() == "/EWC");
  CHECK(examine.links == storage::Links::follow);
  auto attributes = file_of(70'512'640);
  attributes.modified = 1'600'000'000;
  s.session.done(attributes);
  const auto reply = s.only_reply();
  CHECK(reply.type == Type::attrs);
  auto reader = reply.reader();
  CHECK(reader.u32() == 0xf);
  CHECK(reader.u64() == 70'512'640);
  reader.u64();
  CHECK(reader.u32() == 0100644);
  reader.u32();
  CHECK(reader.u32() == 1'600'000'000);
  CHECK(s.asked_by<Examine>(Packet(Type::lstat).u32(5).string("EWC")).links == storage::Links::keep);
}

TEST_CASE("errors become the codes that OpenSSH gives") {
  struct Row {
    std::errc error;
    Status status;
  };
  for (const auto& [error, status] :
       {Row{std::errc::no_such_file_or_directory, Status::no_such_file},
        Row{std::errc::not_a_directory, Status::no_such_file},
        Row{std::errc::too_many_symbolic_link_levels, Status::no_such_file},
        Row{std::errc::permission_denied, Status::permission_denied},
        Row{std::errc::operation_not_permitted, Status::permission_denied},
        Row{std::errc::filename_too_long, Status::bad_message}, Row{std::errc::io_error, Status::failure},
        Row{std::errc::is_a_directory, Status::failure}}) {
    Started s;
    s.asked_by<OpenToRead>(Packet(Type::open).u32(1).string("/f").u32(open_flag::read).u32(0));
    s.session.done(std::make_error_code(error));
    CHECK(s.only_reply().status() == status);
    CHECK(s.open("/g") == std::string(4, '\0'));  // the failed open has given its handle back
  }
  const std::string long_name(5000, 'x');
  CHECK(Started().reply_to(Packet(Type::stat).u32(1).string(long_name)).status() == Status::bad_message);
  CHECK(Started().reply_to(Packet(Type::stat).u32(1).string("")).status() == Status::no_such_file);
}

TEST_CASE("a status says why, where its code does not") {
  const auto told = [](std::error_code error) {
    Started s;
    s.asked_by<OpenToRead>(Packet(Type::open).u32(1).string("/f").u32(open_flag::read).u32(0));
    s.session.done(error);
    const auto reply = s.only_reply();
    auto reader = reply.reader();
    reader.u32();
    return std::string(reader.string());
  };
  CHECK(told(std::make_error_code(std::errc::no_such_file_or_directory)) == "No such file");
  CHECK(told(std::make_error_code(std::errc::permission_denied)) == "Permission denied");
  CHECK(told(std::make_error_code(std::errc::no_space_on_device)) == "No space left on device");
  CHECK(told(storage::UploadError::outside) ==
        "Permission denied: only what is below /uploads can be written");
}

TEST_CASE("a directory is listed as ls -l does, until its end") {
  Started s;
  s.asked_by<OpenDirectory>(Packet(Type::opendir).u32(1).string("/"));
  s.session.done(Done{});
  const auto handle = std::string(s.only_reply().reader().string());
  s.asked_by<ReadDirectory>(Packet(Type::readdir).u32(2).string(handle));
  auto old = file_of(10);
  old.modified = 1'000'000'000;
  auto fresh = file_of(415);
  fresh.modified = 1'700'000'000 - 3600;
  storage::Attributes folder;
  folder.kind = Kind::directory;
  folder.mode = 040755;
  folder.links = 3;
  folder.modified = -1;
  s.session.done(std::vector<storage::Entry>{{"version.info", old}, {"readme.txt", fresh}, {"EWC", folder}});
  const auto reply = s.only_reply();
  CHECK(reply.type == Type::name);
  auto reader = reply.reader();
  CHECK(reader.u32() == 3);
  std::vector<std::string> lines;
  for (int i = 0; i < 3; ++i) {
    reader.string();
    lines.emplace_back(reader.string());
    reader.u32(), reader.u64(), reader.u64(), reader.u32(), reader.u64();
  }
  CHECK(lines[0] == "-rw-r--r--   1 0        0              10 Sep  9  2001 version.info");
  CHECK(lines[1] == "-rw-r--r--   1 0        0             415 Nov 14 21:13 readme.txt");
  CHECK(lines[2].starts_with("drwxr-xr-x   3 0        0               0 "));
  s.asked_by<ReadDirectory>(Packet(Type::readdir).u32(3).string(handle));
  s.session.done(std::vector<storage::Entry>{});
  CHECK(s.only_reply().status() == Status::eof);
}

TEST_CASE("no date that a file system may have is too much for a long name") {
  Started s;
  s.asked_by<OpenDirectory>(Packet(Type::opendir).u32(1).string("/"));
  s.session.done(Done{});
  const std::string handle(s.only_reply().reader().string());
  for (const auto modified : {INT64_MIN, std::int64_t{-1}, INT64_MAX}) {
    s.asked_by<ReadDirectory>(Packet(Type::readdir).u32(2).string(handle));
    storage::Entry entry{"x", {}};
    entry.attributes.modified = modified;
    s.session.done(std::vector{entry});
    CHECK(s.only_reply().type == Type::name);
  }
}

TEST_CASE("handles are for what they were opened for, and there are 1024 of them") {
  Started s;
  const auto file = s.open("/f");
  CHECK(s.reply_to(Packet(Type::readdir).u32(1).string(file)).status() == Status::failure);
  for (const std::string_view bad :
       {std::string_view("\0\0\0\x05", 4), std::string_view(""), std::string_view("abcdefgh")}) {
    CHECK(s.reply_to(Packet(Type::close).u32(1).string(bad)).status() == Status::failure);
  }
  for (int i = 1; i < 1024; ++i) s.open("/f");
  const auto refused = s.reply_to(Packet(Type::open).u32(1).string("/f").u32(open_flag::read).u32(0));
  CHECK(refused.status() == Status::failure);
}

TEST_CASE("the names of what is open are bounded as the client spelled them") {
  Started s;
  const auto name = std::string(4000, '/') + "f";
  const auto opening = Packet(Type::open).u32(1).string(name).u32(open_flag::read).u32(0);
  const auto first = s.open(name);
  for (int i = 1; i < 65; ++i) s.open(name);
  CHECK(s.reply_to(opening).status() == Status::failure);
  CHECK(s.asked_by<CloseOpen>(Packet(Type::close).u32(1).string(first)).handle == 0);
  s.session.done(Done{});
  CHECK(s.only_reply().status() == Status::ok);
  s.open(name);
}

TEST_CASE("a session that ends says what was still open") {
  Started s;
  s.open("/f");
  s.session.take_events();
  while (s.session.close_next()) {
  }
  const auto events = s.session.take_events();
  REQUIRE(events.size() == 1);
  CHECK(std::get<event::Close>(events[0]).forced);
}

TEST_CASE("a packet that is too long, empty, or too short for what it says it holds") {
  for (const std::uint32_t size : {0U, 256U * 1024 + 1, 0xffffffffU}) {
    Session session(0);
    std::array<std::byte, 4> length{};
    Output::put(length, size);
    REQUIRE(session.feed(length));
    CHECK_FALSE(session.poll());
    CHECK(session.broken());
  }
  CHECK(Started().reply_to(Packet(Type::stat).u32(1).u32(1000)).status() == Status::bad_message);
  CHECK(Started().reply_to(Packet(Type::read).u32(1).string("abcd").u32(1)).status() == Status::bad_message);
  Started s;
  s.send(Packet(Type::stat));  // not even an id
  CHECK_FALSE(s.session.poll());
  CHECK(s.session.broken());
}

TEST_CASE("bytes behind what a request needs are passed over") {
  CHECK(Started().reply_to(Packet(Type::realpath).u32(1).string(".").string("more")).type == Type::name);
}

TEST_CASE("a stream is understood however it is cut up, and requests are answered in order") {
  std::vector<std::byte> stream = Packet(Type::init).u32(3).bytes();
  for (std::uint32_t id = 1; id <= 50; ++id) {
    const auto packet = Packet(Type::realpath).u32(id).string("/EWC/../x").bytes();
    stream.insert(stream.end(), packet.begin(), packet.end());
  }
  std::mt19937 random(7);
  for (int run = 0; run < 50; ++run) {
    Session session(0);
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = std::min<std::size_t>(run == 0 ? 1 : 1 + random() % 60, stream.size() - at);
      REQUIRE(session.feed(Bytes(stream).subspan(at, size)));
      CHECK_FALSE(session.poll());
      at += size;
    }
    const auto all = replies(session);
    REQUIRE(all.size() == 51);
    for (std::uint32_t id = 1; id <= 50; ++id) CHECK(all[id].id == id);
  }
}

TEST_CASE("a link is told with its target, in the place of a name") {
  Started s;
  CHECK(s.asked_by<ReadLink>(Packet(Type::readlink).u32(1).string("EWC/current")).path.text() ==
        "/EWC/current");
  s.session.done(LinkTarget{"17_9_4a"});
  const auto reply = s.only_reply();
  REQUIRE(reply.type == Type::name);
  auto reader = reply.reader();
  CHECK(reader.u32() == 1);
  CHECK(reader.string() == "17_9_4a");
  CHECK(reader.string() == "17_9_4a");
  CHECK(reader.u32() == 0);
  s.asked_by<ReadLink>(Packet(Type::readlink).u32(1).string("/out"));
  s.session.done(std::make_error_code(std::errc::permission_denied));
  CHECK(s.only_reply().status() == Status::permission_denied);
}

// Ten channels of them once held the loop for 159 ms.
TEST_CASE("small requests of any kind are answered in portions") {
  for (const auto& request : {
           Packet(static_cast<Type>(99)).u32(1),
           Packet(Type::realpath).u32(1).string("a"),
           Packet(Type::realpath).u32(1).string(std::string(5000, 'x')),
           Packet(Type::stat).u32(1).string(""),
           Packet(Type::stat).u32(1).string(std::string(4096, 'x')),
           Packet(Type::read).u32(1).string("none").u64(0).u32(1),
           Packet(Type::open).u32(1).string("/f").u32(open_flag::write).u32(0),
           Packet(Type::extended).u32(1).string("limits@openssh.com"),
           Packet(Type::extended).u32(1).string("no such extension"),
       }) {
    Started s;
    constexpr std::size_t sent = 200;
    for (std::size_t i = 0; i < sent; ++i) s.send(request);
    std::size_t answered = 0;
    int portions = 0;
    do {
      CHECK_FALSE(s.session.poll());
      const auto portion = replies(s.session).size();
      CHECK(portion <= 64);
      CHECK(s.session.take_events().size() <= 192);
      answered += portion;
      ++portions;
    } while (s.session.more());
    CHECK(answered == sent);
    CHECK(portions >= 4);
  }
}

TEST_CASE("names, handles and extensions that are too long are neither told nor remembered") {
  const std::string name(4097, 'x');
  for (const auto& request : {
           Packet(Type::stat).u32(1).string(name),
           Packet(Type::opendir).u32(1).string(name),
           Packet(Type::readlink).u32(1).string(name),
           Packet(Type::open).u32(1).string(name).u32(open_flag::read).u32(0),
           Packet(Type::extended).u32(1).string("statvfs@openssh.com").string(name),
           Packet(Type::extended).u32(1).string("home-directory").string(name),
       }) {
    Started s;
    CHECK(s.reply_to(request).status() == Status::bad_message);
    CHECK(s.session.take_events().size() == 1);  // the status
    CHECK(s.session.take_misnamed().empty());
  }
  for (const auto& request : {Packet(Type::close).u32(1).string(name),
                              Packet(Type::read).u32(1).string("123456789").u64(0).u32(1)}) {
    Started s;
    CHECK(s.reply_to(request).status() == Status::failure);
    CHECK(s.session.take_events().size() == 1);  // the status
  }
  Started s;
  CHECK(s.reply_to(Packet(Type::extended).u32(1).string(name)).status() == Status::op_unsupported);
  const auto events = s.session.take_events();
  CHECK(std::get<event::Unknown>(events[0]).extension.size() == 100);
}

TEST_CASE("a handle too many says so") {
  Started s;
  s.asked_by<OpenToRead>(Packet(Type::open).u32(1).string("/f").u32(open_flag::read).u32(0));
  s.session.done(std::make_error_code(std::errc::too_many_files_open));
  const auto reply = s.only_reply();
  CHECK(reply.status() == Status::failure);
  auto reader = reply.reader();
  reader.u32();
  CHECK(reader.string() == "Too many files are open: close some first");
  CHECK(s.open("/f").size() == 4);  // and its number is free
}

TEST_CASE("without room a read is for a part of what was asked, and only when nothing waits") {
  Started s;
  const auto handle = s.open("/f");
  s.send(Packet(Type::read).u32(1).string(handle).u64(0).u32(261'120));
  s.send(Packet(Type::read).u32(2).string(handle).u64(0).u32(100));
  auto operation = s.session.poll(0);
  REQUIRE(operation);
  CHECK(std::get<ReadOpen>(*operation).into.size() == 32 << 10);
  s.session.done(std::size_t{32 << 10});
  CHECK_FALSE(s.session.poll(0));
  CHECK_FALSE(s.session.more());
  CHECK(s.session.held() > 32 << 10);
  s.session.output().consume(s.session.output().size());
  operation = s.session.poll(0);
  REQUIRE(operation);
  CHECK(std::get<ReadOpen>(*operation).into.size() == 100);
}

TEST_CASE("a client that asks and does not read is not answered for ever, and may not send for ever") {
  Started s;
  const auto handle = s.open("/f");
  for (int i = 0; i < 100; ++i) s.send(Packet(Type::read).u32(1).string(handle).u64(0).u32(261'120));
  int asked = 0;
  while (s.session.poll()) {
    s.session.done(std::size_t{261'120});
    ++asked;
  }
  CHECK(asked == 1);  // a second one has no room in 256 KiB of output
  s.session.output().consume(s.session.output().size());
  CHECK(s.session.poll());

  Started flood;
  const std::vector<std::byte> junk(100'000);
  bool fed = true;
  for (int i = 0; fed && i < 100; ++i) fed = flood.session.feed(junk);
  CHECK_FALSE(fed);
}

TEST_CASE("a client that sends no more has ended its session well") {
  Started s;
  CHECK_FALSE(s.session.exit_status());
  s.session.eof();
  CHECK(s.session.exit_status() == 0);
  CHECK_FALSE(s.session.outlives_client());
}
