// What a user who may upload can do over SFTP: protocols/sftp/session.
#include <algorithm>

#include "tests/unit/protocols/sftp/client.hpp"

using namespace test;

namespace {

using P = Packet;
constexpr auto new_file = open_flag::write | open_flag::create | open_flag::truncate;

P extended(std::string_view name) { return P(Type::extended).u32(1).string(name); }

template <class Wanted>
Wanted last(Session& session) {
  const auto events = session.take_events();
  const auto found = std::ranges::find_if(
      events.rbegin(), events.rend(), [](const Event& each) { return std::holds_alternative<Wanted>(each); });
  REQUIRE(found != events.rend());
  return std::get<Wanted>(*found);
}

// A session that may write, with a file under way.
struct Writer : Started {
  Writer() : Started(Access::uploads) {}
  std::string create(std::string_view name, std::uint32_t flags = new_file) {
    asked_by<CreateNew>(P(Type::open).u32(1).string(name).u32(flags).u32(0));
    session.done(Done{});
    return std::string(only_reply().reader().string());
  }
  WriteOpen write(const std::string& handle, std::uint64_t offset, std::string_view bytes) {
    return asked_by<WriteOpen>(P(Type::write).u32(2).string(handle).u64(offset).string(bytes));
  }
  Status finish(Answer answer = Done{}) {
    session.done(std::move(answer));
    return only_reply().status();
  }
  template <class Wanted>
  Wanted next() {
    const auto operation = session.poll();
    REQUIRE(operation);
    return std::get<Wanted>(*operation);
  }
};

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

TEST_CASE("who may write is offered the extensions that do, in OpenSSH's order") {
  Session session(0, Access::uploads);
  REQUIRE(session.feed(P(Type::init).u32(3).bytes()));
  CHECK_FALSE(session.poll());
  Reader reader(session.output().bytes().subspan(9));
  for (const std::string_view text :
       {"posix-rename@openssh.com", "1", "statvfs@openssh.com", "2", "fstatvfs@openssh.com", "2",
        "fsync@openssh.com", "1", "limits@openssh.com", "1", "expand-path@openssh.com", "1", "copy-data", "1",
        "home-directory", "1"})
    CHECK(reader.string() == text);
  reader.u32();
  CHECK_FALSE(reader.ok());
}

TEST_CASE("each request that writes asks for its operation") {
  struct Row {
    P request;
    std::size_t operation;
  };
  const auto index = [](const Operation& operation) { return operation.index(); };
  const auto path = storage::Path::parse("/uploads/f").value();
  const std::vector<Row> rows{
      {P(Type::setstat).u32(1).string("/uploads/f").u32(attribute_flag::times).u32(5).u32(6),
       index(SetTimes{path, {}})},
      {P(Type::setstat).u32(1).string("/uploads/f").u32(attribute_flag::permissions).u32(0644),
       index(ExamineOwn{path})},
      {P(Type::remove).u32(1).string("/uploads/f"), index(RemoveFile{path})},
      {P(Type::mkdir).u32(1).string("/uploads/f").u32(0), index(MakeDirectory{path})},
      {P(Type::rmdir).u32(1).string("/uploads/f"), index(RemoveEmpty{path})},
      {P(Type::rename).u32(1).string("/uploads/f").string("/uploads/g"), index(Rename{path, path})},
      {extended("posix-rename@openssh.com").string("/uploads/f").string("/uploads/g"),
       index(Rename{path, path})},
      {extended("statvfs@openssh.com").string("/uploads/f"), index(ExamineSpace{path})},
  };
  for (const auto& row : rows) {
    Writer w;
    w.send(row.request);
    const auto operation = w.session.poll();
    REQUIRE(operation);
    CHECK(operation->index() == row.operation);
    w.session.done(std::make_error_code(std::errc::permission_denied));
    CHECK(w.only_reply().status() == Status::permission_denied);
  }
}

TEST_CASE("links are nobody's to make or to touch") {
  for (const auto& request : {P(Type::symlink).u32(1).string("/uploads/f").string("/uploads/g"),
                              extended("hardlink@openssh.com").string("/uploads/f").string("/uploads/g"),
                              extended("lsetstat@openssh.com").string("/uploads/f").u32(0)})
    CHECK(Writer().reply_to(request).status() == Status::permission_denied);
}

TEST_CASE("whatever OPEN's flags would do to a file, they make one or nothing") {
  struct Row {
    std::uint32_t flags;
    bool create;
  };
  for (const auto& [flags, create] : {Row{0x02, false}, Row{0x03, false}, Row{0x04, false}, Row{0x06, false},
                                      Row{0x12, false}, Row{0x08, true}, Row{0x0a, true}, Row{0x1a, true},
                                      Row{0x2a, true}, Row{0x0e, true}, Row{0x1b, true}}) {
    CAPTURE(flags);
    Writer w;
    const auto asked =
        w.asked_by<CreateNew>(P(Type::open).u32(1).string("uploads/./x/../f").u32(flags).u32(0));
    CHECK(asked.create == create);
    CHECK(asked.path.text() == "/uploads/f");
    w.session.done(std::make_error_code(std::errc::file_exists));
    CHECK(w.only_reply().status() == Status::failure);
    CHECK(w.create("/uploads/g") == std::string(4, '\0'));  // the handle is free again
  }
  Writer reader;
  reader.open("/uploads/f");  // which opens for reading only
}

TEST_CASE("a file is written where the client says, and its bytes are counted") {
  Writer w;
  const auto handle = w.create("/uploads/f");
  const auto second = w.write(handle, 5, "56789");
  CHECK(second.offset == 5);
  CHECK(text_of(second.bytes) == "56789");
  CHECK(w.finish() == Status::ok);
  CHECK(w.write(handle, 0, "01234").offset == 0);
  CHECK(w.finish() == Status::ok);
  w.write(handle, 10, "");
  CHECK(w.finish() == Status::ok);
  w.write(handle, 10, "x");
  CHECK(w.finish(std::make_error_code(std::errc::no_space_on_device)) == Status::failure);
  w.asked_by<CloseOpen>(P(Type::close).u32(3).string(handle));
  CHECK(w.finish() == Status::ok);
  const auto close = last<event::Close>(w.session);
  CHECK(close.name == "/uploads/f");
  CHECK(close.written == 10);
  CHECK(close.read == 0);
}

TEST_CASE("a file that cannot be published is a CLOSE that fails, and its handle is gone") {
  Writer w;
  const auto handle = w.create("/uploads/f");
  w.asked_by<CloseOpen>(P(Type::close).u32(3).string(handle));
  CHECK(w.finish(std::make_error_code(std::errc::file_exists)) == Status::failure);
  CHECK(w.reply_to(P(Type::close).u32(4).string(handle)).status() == Status::failure);
  CHECK(w.session.idle());
}

TEST_CASE("what is to be written stays in place while more comes in") {
  Writer w;
  const auto handle = w.create("/uploads/f");
  const std::string content(30'000, 'a');
  const auto write = w.write(handle, 0, content);
  for (int i = 0; i < 20; ++i) w.send(P(Type::write).u32(9).string(handle).u64(0).string(content));
  CHECK(text_of(write.bytes) == content);
  w.session.done(Done{});
  int more = 0;
  while (const auto operation = w.session.poll()) {
    CHECK(text_of(std::get<WriteOpen>(*operation).bytes) == content);
    w.session.done(Done{});
    ++more;
  }
  CHECK(more == 20);
  CHECK(replies(w.session).size() == 21);
}

TEST_CASE("APPEND goes to the end, wherever the client says") {
  Writer w;
  const auto handle = w.create("/uploads/f", new_file | open_flag::append);
  CHECK(w.write(handle, 77, "0123").offset == 0);
  w.finish();
  CHECK(w.write(handle, 0, "45").offset == 4);
  w.finish();
  w.asked_by<TruncateFile>(P(Type::fsetstat).u32(1).string(handle).u32(attribute_flag::size).u64(3));
  w.finish();
  CHECK(w.write(handle, 0, "3").offset == 3);
}

TEST_CASE("a handle does what it was opened for") {
  Writer w;
  const auto written = w.create("/uploads/f"), read = w.open("/uploads/g");
  const auto both = w.create("/uploads/h", new_file | open_flag::read);
  const auto fails = [&](const P& request) { return w.reply_to(request).status() == Status::failure; };
  CHECK(fails(P(Type::write).u32(1).string(read).u64(0).string("x")));
  CHECK(fails(P(Type::read).u32(1).string(written).u64(0).u32(1)));
  CHECK(fails(P(Type::write).u32(1).string("none").u64(0).string("x")));
  w.asked_by<ReadOpen>(P(Type::read).u32(1).string(both).u64(0).u32(1));
  CHECK(w.finish(std::size_t{0}) == Status::eof);
  w.asked_by<OpenDirectory>(P(Type::opendir).u32(1).string("/"));
  w.session.done(Done{});
  const auto directory = std::string(w.only_reply().reader().string());
  CHECK(fails(P(Type::write).u32(1).string(directory).u64(0).string("x")));
  CHECK(fails(P(Type::fsetstat).u32(1).string(directory).u32(0)));
  CHECK(fails(extended("fsync@openssh.com").string(directory)));
  CHECK(fails(extended("copy-data").string(written).u64(0).u64(0).string(both).u64(0)));
  CHECK(fails(extended("copy-data").string(both).u64(0).u64(0).string(both).u64(0)));
  CHECK(fails(extended("copy-data").string(both).u64(0).u64(0).string(read).u64(0)));
}

TEST_CASE("FSETSTAT sets the size, then the times; a mode is accepted; an owner is not") {
  using namespace attribute_flag;
  Writer w;
  const auto handle = w.create("/uploads/f");
  const auto fsetstat = [&](std::uint32_t flags) {
    return P(Type::fsetstat).u32(1).string(handle).u32(flags);
  };
  CHECK(w.reply_to(fsetstat(permissions).u32(0100600)).status() == Status::ok);
  CHECK(last<event::ModeIgnored>(w.session).mode == 0600);
  CHECK(w.reply_to(fsetstat(permissions).u32(0100644)).status() == Status::ok);
  CHECK(last<event::SetMode>(w.session).mode == 0644);  // as it will be: nothing is ignored
  CHECK(w.reply_to(fsetstat(uid_gid).u32(0).u32(0)).status() == Status::permission_denied);

  auto cut = w.asked_by<TruncateFile>(
      fsetstat(size | uid_gid | permissions | times).u64(7).u32(1).u32(2).u32(0644).u32(0xffffffff).u32(6));
  CHECK(cut.size == 7);
  w.session.done(Done{});
  const auto set = w.next<SetTimesOpen>();
  CHECK(set.times.accessed == 0xffffffff);
  CHECK(set.times.modified == 6);
  CHECK(w.finish() == Status::permission_denied);  // for the owner

  w.asked_by<TruncateFile>(fsetstat(size | times).u64(8).u32(5).u32(6));
  CHECK(w.finish(std::make_error_code(std::errc::file_too_large)) == Status::failure);  // and no times
}

TEST_CASE("SETSTAT by name sets times, and no size") {
  using namespace attribute_flag;
  Writer w;
  const auto setstat = [](std::uint32_t flags) {
    return P(Type::setstat).u32(1).string("/uploads/f").u32(flags);
  };
  w.asked_by<SetTimes>(setstat(permissions | times).u32(0644).u32(5).u32(6));
  CHECK(w.finish() == Status::ok);
  w.asked_by<ExamineOwn>(setstat(size).u64(0));
  CHECK(w.finish() == Status::permission_denied);
  w.asked_by<ExamineOwn>(setstat(0));
  CHECK(w.finish(std::make_error_code(std::errc::no_such_file_or_directory)) == Status::no_such_file);
  const auto handle = w.open("/uploads/f");  // of a file that is only read: as by its name
  w.asked_by<SetTimes>(P(Type::fsetstat).u32(1).string(handle).u32(times).u32(5).u32(6));
  CHECK(w.finish() == Status::ok);
}

TEST_CASE("copy-data goes on in pieces, to a length or to the end") {
  Writer w;
  const auto from = w.open("/EWC/f"), to = w.create("/uploads/f");
  const auto copy = [&](std::uint64_t size) {
    return extended("copy-data").string(from).u64(10).u64(size).string(to).u64(20);
  };
  auto piece = w.asked_by<CopyData>(copy(300'000));
  CHECK(piece.size == 262'144);
  w.session.done(std::size_t{262'144});
  piece = w.next<CopyData>();
  CHECK(piece.offset == 10 + 262'144);
  CHECK(piece.to_offset == 20 + 262'144);
  CHECK(piece.size == 300'000 - 262'144);
  CHECK(w.finish(std::size_t{300'000 - 262'144}) == Status::ok);

  w.asked_by<CopyData>(copy(5));
  CHECK(w.finish(std::size_t{0}) == Status::eof);  // the file is shorter
  w.asked_by<CopyData>(copy(0));
  w.session.done(std::size_t{100});
  w.next<CopyData>();
  CHECK(w.finish(std::size_t{0}) == Status::ok);
  w.asked_by<CopyData>(copy(0));
  CHECK(w.finish(std::make_error_code(std::errc::no_space_on_device)) == Status::failure);
  CHECK(w.reply_to(extended("copy-data").string(from).u64(~0ULL).u64(1).string(to).u64(0)).status() ==
        Status::failure);
}

TEST_CASE("statvfs@openssh.com counts in blocks") {
  Writer w;
  w.asked_by<ExamineSpace>(extended("statvfs@openssh.com").string("/"));
  w.session.done(Space{4096, 4096 * 100, 4096 * 50, 4096 * 40, 1000, 900, 255, true});
  auto reply = w.only_reply();
  CHECK(reply.type == Type::extended_reply);
  auto reader = reply.reader();
  for (const std::uint64_t value : {4096, 4096, 100, 50, 40, 1000, 900, 900, 0, 3, 255})
    CHECK(reader.u64() == value);
  const auto handle = w.create("/uploads/f");
  CHECK(w.asked_by<ExamineSpace>(extended("fstatvfs@openssh.com").string(handle)).path.text() == "/uploads");
}

TEST_CASE("home is the root") {
  struct Row {
    std::string_view asked, text;
  };
  for (const auto& [asked, text] :
       {Row{"~", "/"}, Row{"~/x", "/x"}, Row{"x", "/x"}, Row{"", "/"}, Row{"/a/..", "/"}}) {
    CAPTURE(asked);
    const auto reply = Started().reply_to(extended("expand-path@openssh.com").string(asked));
    auto reader = reply.reader();
    CHECK(reader.u32() == 1);
    CHECK(reader.string() == text);
  }
  CHECK(Started().reply_to(extended("expand-path@openssh.com").string("~root")).status() == Status::failure);
  const auto reply = Started().reply_to(extended("home-directory").string("ewc"));
  auto reader = reply.reader();
  reader.u32();
  CHECK(reader.string() == "/");
}

TEST_CASE("a request that writes is a bad message when it is short") {
  Writer w;
  const auto handle = w.create("/uploads/f");
  for (const auto& request :
       {P(Type::write).u32(1).string(handle).u64(0).u32(1000), P(Type::setstat).u32(1).string("/f").u32(1),
        P(Type::fsetstat).u32(1).string(handle).u32(8).u32(1), P(Type::mkdir).u32(1).string("/f"),
        P(Type::rmdir).u32(1), P(Type::remove).u32(1), P(Type::rename).u32(1).string("/f"),
        P(Type::symlink).u32(1).string("/f"), P(Type::readlink).u32(1), extended("fsync@openssh.com"),
        extended("posix-rename@openssh.com").string("/f"), extended("statvfs@openssh.com"),
        extended("fstatvfs@openssh.com"), extended("expand-path@openssh.com"), extended("home-directory"),
        extended("copy-data").string(handle).u64(0)})
    CHECK(w.reply_to(request).status() == Status::bad_message);
}
