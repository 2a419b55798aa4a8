#include "protocols/scp/sink.hpp"

#include <doctest/doctest.h>

#include "tests/unit/protocols/scp/files.hpp"

using namespace scp;
using namespace std::string_literals;

namespace {

const auto ok = "\0"s;

struct Server {
  ScpFiles files;
  std::optional<Sink> session;

  Server() {
    files.add_directory("/up");
    files.add_file("/up/there", "old");
  }
  void begin(const std::string& arguments, bool may_write = true) {
    auto command = parse_command("scp " + arguments);
    REQUIRE(command);
    session.emplace(std::move(*command), may_write, "this server is read-only for user 'ap'");
  }
  void start(const std::string& arguments) {
    begin(arguments);
    CHECK(said() == ok);
  }
  std::string said(std::string_view input = {}) { return scp_said(*session, files, input); }
  std::string content(const std::string& path) {
    const auto found = files.nodes.find(path);
    return found == files.nodes.end() ? "none" : found->second.content;
  }
  void ended(int status) {
    session->eof();
    CHECK(said() == "");
    CHECK(session->finished());
    CHECK(session->exit_status() == status);
    CHECK(session->idle());
    CHECK(files.open() == 0);
  }
  std::string told() {
    std::string all;
    for (const auto& one : session->take_events()) {
      if (const auto* open = std::get_if<event::Opened>(&one)) all += "open " + open->name;
      if (const auto* close = std::get_if<event::Closed>(&one)) {
        all +=
            "close " + close->name + " " + std::to_string(close->written) + (close->forced ? " forced" : "");
      }
      if (const auto* failed = std::get_if<event::Failed>(&one)) {
        all += (failed->by_client ? "client " : "failed ") + failed->name + ": " + failed->text;
      }
      all += '\n';
    }
    return all;
  }
  template <class Wanted>
  void fail(std::errc error) {
    files.on_operation = [error](const Operation& operation) -> std::optional<Answer> {
      if (!std::holds_alternative<Wanted>(operation)) return {};
      return std::make_error_code(error);
    };
  }
};

}  // namespace

TEST_CASE_FIXTURE(Server, "a file under the target's name") {
  start("-t up/new");
  CHECK(said("C0644 5 other\n") == ok);
  CHECK_FALSE(session->idle());
  CHECK(said("hel") == "");
  CHECK(said("lo") == "");
  CHECK(content("/up/new") == "none");
  CHECK(said(ok) == ok);
  CHECK(content("/up/new") == "hello");
  CHECK_FALSE(session->finished());
  ended(0);
  CHECK(told() == "open up/new\nclose up/new 5\n");
}

TEST_CASE_FIXTURE(Server, "files into a directory, all in one piece, and one empty") {
  for (const auto* target : {"up", "/up", "up/", "-d up"}) {
    files.nodes.erase("/up/a");
    files.nodes.erase("/up/b");
    start("-t "s + target);
    CHECK(said("C0644 1 a\nA" + ok + "C0600 0 b\n" + ok) == ok + ok + ok + ok);
    CHECK(content("/up/a") == "A");
    CHECK(content("/up/b") == "");
    ended(0);
  }
}

TEST_CASE_FIXTURE(Server, "the same a byte at a time") {
  start("-prt up");
  const auto all = "T1 0 2 0\nD0755 0 d\nT3 0 4 0\nC0644 5 a\nhello\0E\nC0644 1 b\nB\0"s;
  std::string answers;
  for (const char c : all) answers += said({&c, 1});
  CHECK(answers == std::string(8, '\0'));
  CHECK(content("/up/d/a") == "hello");
  CHECK(content("/up/b") == "B");
  CHECK(files.times["/up/d/a"].modified == 3);
  CHECK(files.times["/up/d/a"].accessed == 4);
  CHECK(files.times["/up/d"].modified == 1);
  CHECK_FALSE(files.times.contains("/up/b"));
  ended(0);
}

TEST_CASE_FIXTURE(Server, "the size is announced to the file side, and the times come before its name") {
  std::vector<std::string> order;
  files.on_operation = [&](const Operation& operation) -> std::optional<Answer> {
    if (const auto* create = std::get_if<CreateNew>(&operation)) CHECK(create->size == 2);
    if (std::holds_alternative<SetTimesOpen>(operation)) order.emplace_back("times");
    if (std::holds_alternative<CloseOpen>(operation)) order.emplace_back("close");
    return {};
  };
  start("-pt up");
  CHECK(said("T9223372036854775808 0 7 999999\nC0644 2 a\nxy" + ok) == ok + ok + ok);
  CHECK(order == std::vector<std::string>{"times", "close"});
  CHECK(files.times["/up/a"].modified == INT64_MAX);
}

TEST_CASE_FIXTURE(Server, "a directory that is there is gone into; one in the place of a file is not") {
  start("-rt /");
  CHECK(said("D0755 0 up\n") == ok);
  CHECK(said("D0755 0 there\n") == "\1scp: /up/there: Not a directory\n");
  CHECK(said("C0644 1 a\nA" + ok + "E\n") == ok + ok + ok);
  CHECK(content("/up/a") == "A");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a directory that may not be written to may still be gone into") {
  fail<MakeDirectory>(std::errc::permission_denied);
  start("-rt /");
  CHECK(said("D0755 0 up\n") == ok);
  CHECK(said("D0755 0 new\n") == "\1scp: /up/new: Permission denied\n");
}

TEST_CASE_FIXTURE(Server, "a tree under a new name") {
  start("-rt up/new/");
  CHECK(said("D0755 0 d\nC0644 1 a\nA" + ok + "E\n") == ok + ok + ok + ok);
  CHECK(content("/up/new/a") == "A");
  ended(0);
}

TEST_CASE_FIXTURE(Server, "the end of a directory that never began is the end") {
  start("-rt up");
  CHECK(said("E\nC0644 1 a\n") == ok);
  CHECK(session->finished());
  ended(0);
}

TEST_CASE_FIXTURE(Server, "directories that are too deep") {
  start("-rt up");
  for (int i = 0; i < 64; ++i) CHECK(said("D0755 0 x\n") == ok);
  CHECK(said("D0755 0 x\n").ends_with("/x/x: File name too long\n"));
  CHECK(said("E\n") == ok);
}

TEST_CASE_FIXTURE(Server, "who may not write is told why") {
  begin("-t up/x", false);
  CHECK(said() == ok);
  CHECK(said("T1 0 1 0\n") == ok);
  // For each file, until the client ends: pscp shows nothing of a server that goes at once.
  CHECK(said("C0644 1 a\n") == "\1scp: up/x: this server is read-only for user 'ap'\n");
  CHECK(said("C0644 1 b\n") == "\1scp: up/x: this server is read-only for user 'ap'\n");
  CHECK_FALSE(session->finished());
  session->eof();
  CHECK(said() == "");
  CHECK(session->finished());
  CHECK(session->exit_status() == 1);
}

TEST_CASE_FIXTURE(Server, "targets that cannot be") {
  begin("-t a b");
  CHECK(said() == "\1scp: ambiguous target\n");
  ended(1);
  begin("-dt nosuch");
  CHECK(said() == "\1scp: nosuch: No such file or directory\n");
  ended(1);
  begin("-dt up/there");
  CHECK(said() == "\1scp: up/there: Not a directory\n");
  ended(1);
  begin("-t c:x");
  CHECK(said() == "\1scp: c:x: No such file or directory\n");
  ended(1);
  start("-t new/");
  CHECK(said("C0644 1 a\n") == "\1scp: new/: Is a directory\n");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a file that is there is refused, and the next one taken") {
  start("-t up");
  CHECK(said("T1 0 1 0\nC0644 3 there\n") == ok + "\1scp: up/there: File exists\n");
  CHECK(said("C0644 1 a\nA" + ok) == ok + ok);
  CHECK(content("/up/there") == "old");
  CHECK_FALSE(files.times.contains("/up/a"));
  ended(1);
  CHECK(told() == "failed up/there: File exists\nopen up/a\nclose up/a 1\n");
}

TEST_CASE_FIXTURE(Server, "names that no file can have here") {
  start("-t up");
  CHECK(said("C0644 1 a:b\n") == "\1scp: up/a:b: Invalid argument\n");
  CHECK(said("C0644 1 " + std::string(256, 'x') + "\n").ends_with(": File name too long\n"));
  CHECK(said("C0644 1 a\nA" + ok) == ok + ok);
}

TEST_CASE_FIXTURE(Server, "names that climb end it") {
  for (const auto* name : {"..", ".", "", "a/b", "/etc/passwd", "../x"}) {
    start("-rt up");
    CHECK(said("C0644 1 "s + name + "\nA" + ok) == "\1scp: error: unexpected filename: "s + name + "\n");
    ended(1);
    start("-rt up");
    CHECK(said("D0755 0 "s + name + "\n") == "\1scp: error: unexpected filename: "s + name + "\n");
    ended(1);
  }
}

TEST_CASE_FIXTURE(Server, "records that are none") {
  struct Case {
    std::string line, why;
  };
  for (const auto& [line, why] : {
           Case{"\n", "unexpected <newline>"},
           {"Zzz\n", "expected control record"},
           {"D0755 0 d\n", "received directory without -r"},
           {"C\n", "bad mode"},
           {"C644 1 a\n", "bad mode"},
           {"C0648 1 a\n", "bad mode"},
           {"C-644 1 a\n", "bad mode"},
           {"C06444 1 a\n", "mode not delimited"},
           {"C0644\n", "mode not delimited"},
           {"C0644 \n", "size not present"},
           {"C0644 x a\n", "size not present"},
           {"C0644 -1 a\n", "size not present"},
           {"C0644 +1 a\n", "size not present"},
           {"C0644 1\n", "size not delimited"},
           {"C0644 1x a\n", "size not delimited"},
           {"C0644 9223372036854775808 a\n", "size out of range"},
           {"C0644 99999999999999999999999999 a\n", "size out of range"},
           {"C0644 1 a\0b\n"s, "NUL in a filename"},
           {"T\n", "mtime.sec not present"},
           {"T-1 0 0 0\n", "mtime.sec not present"},
           {"T1\n", "mtime.sec not delimited"},
           {"T1 x 1 0\n", "mtime.usec not delimited"},
           {"T1 1000000 1 0\n", "mtime.usec not delimited"},
           {"T1 0 \n", "atime.sec not present"},
           {"T1 0 1\n", "atime.sec not delimited"},
           {"T1 0 1 0x\n", "atime.usec not delimited"},
           {"C0644 1 " + std::string(2048, 'x'), "line too long"},
       }) {
    CAPTURE(line);
    start("-t up");
    CHECK(said(line) == "\1scp: protocol error: " + why + "\n");
    CHECK(session->finished());
    ended(1);
  }
}

TEST_CASE_FIXTURE(Server, "the client's end within a line") {
  start("-t up");
  CHECK(said("C0644 1") == "");
  session->eof();
  CHECK(said() == "\1scp: protocol error: lost connection\n");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "the client's end within a file, or within its word about it") {
  for (const auto* part : {"", "he", "hello\1disk er", "hello\2"}) {
    start("-t up");
    CHECK(said("C0644 5 a\n"s + part) == ok);
    session->eof();
    CHECK(said() == "\1scp: up/a: dropped connection\n");
    CHECK(content("/up/a") == "none");
    ended(1);
    CHECK(told().ends_with(" forced\n"));
  }
  CHECK(files.abandoned == 4);
}

TEST_CASE_FIXTURE(Server, "the client's end in the place of its word about a whole file, as by libssh2") {
  start("-pt up");
  CHECK(said("T5 0 6 0\nC0644 5 a\nhello") == ok + ok);
  CHECK(content("/up/a") == "none");
  session->eof();
  CHECK(said() == ok);
  CHECK(content("/up/a") == "hello");
  CHECK(files.times.at("/up/a").modified == 5);
  ended(0);
  CHECK(told() == "open up/a\nclose up/a 5\n");
  start("-t up");
  CHECK(said("C0644 0 b\n") == ok);
  session->eof();
  CHECK(said() == ok);
  CHECK(content("/up/b").empty());
  ended(0);
}

TEST_CASE_FIXTURE(Server, "the client's end behind a file that the disk did not take") {
  start("-t up");
  fail<WriteOpen>(std::errc::no_space_on_device);
  CHECK(said("C0644 5 a\nhello") == ok);
  session->eof();
  CHECK(said() == "\1scp: up/a: No space left on device\n");
  CHECK(content("/up/a") == "none");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "more data than announced") {
  start("-t up");
  CHECK(said("C0644 5 a\nhello world") == ok + "\1scp: protocol error: more data than announced\n");
  CHECK(content("/up/a") == "none");
  CHECK(files.abandoned == 1);
  ended(1);
}

TEST_CASE_FIXTURE(Server, "the client says that its file was bad") {
  start("-t up");
  CHECK(said("C0644 5 a\nhello\1scp: a: Input/output error\n") == ok + ok);
  CHECK(content("/up/a") == "none");
  CHECK(files.abandoned == 1);
  CHECK(said("C0644 1 b\nB" + ok) == ok + ok);
  CHECK(content("/up/b") == "B");
  ended(1);
  CHECK(told() ==
        "open up/a\nclient up/a: scp: a: Input/output error\nclose up/a 5 forced\nopen up/b\nclose up/b 1\n");
}

TEST_CASE_FIXTURE(Server, "the client gives up") {
  start("-t up");
  CHECK(said("C0644 5 a\nhello\2bye\n") == ok);
  CHECK(session->finished());
  CHECK(content("/up/a") == "none");
  ended(1);
  start("-t up");
  CHECK(said("\1scp: x: No such file\n") == "");
  CHECK(said("C0644 1 c\nC" + ok) == ok + ok);
  CHECK(said("\2bye\n") == "");
  CHECK(session->finished());
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a full disk: the rest of the file is swallowed, and the next one taken") {
  start("-t up");
  fail<WriteOpen>(std::errc::no_space_on_device);
  CHECK(said("C0644 6 a\nabc") == ok);
  CHECK(files.abandoned == 1);
  files.on_operation = nullptr;
  CHECK(said("def" + ok) == "\1scp: up/a: No space left on device\n");
  CHECK(said("C0644 1 b\nB" + ok) == ok + ok);
  CHECK(content("/up/a") == "none");
  CHECK(content("/up/b") == "B");
  ended(1);
  CHECK(told() ==
        "open up/a\nclose up/a 0 forced\nfailed up/a: No space left on device\nopen up/b\nclose up/b 1\n");
}

TEST_CASE_FIXTURE(Server, "a full disk, and then a client in trouble as well") {
  start("-t up");
  fail<WriteOpen>(std::errc::no_space_on_device);
  CHECK(said("C0644 3 a\nabc\1bad\n") == ok + "\1scp: up/a: No space left on device\n");
  CHECK(said("C0644 3 a\nabc\2bad\n") == ok);
  CHECK(session->finished());
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a file that cannot be given its name, or its times") {
  start("-t up");
  files.on_operation = [this](const Operation& operation) -> std::optional<Answer> {
    if (!std::holds_alternative<CloseOpen>(operation)) return {};
    files.perform(AbandonFile{0});
    return std::make_error_code(std::errc::file_exists);
  };
  CHECK(said("C0644 3 a\nabc" + ok) == ok + "\1scp: up/a: File exists\n");
  CHECK(told() == "open up/a\nclose up/a 3 forced\nfailed up/a: File exists\n");
  fail<SetTimesOpen>(std::errc::permission_denied);
  CHECK(said("T1 0 1 0\nC0644 3 b\nabc" + ok) == ok + ok + "\1scp: up/b: set times: Permission denied\n");
  CHECK(content("/up/b") == "abc");
  ended(1);
}

TEST_CASE_FIXTURE(Server, "a file is written in pieces, which stay where they are while more comes") {
  const std::string content(1'000'000, 'x');
  start("-t up/a");
  CHECK(said("C0644 1000000 a\n") == ok);
  REQUIRE(session->feed(std::as_bytes(std::span(content).first(600'000))));
  std::size_t pieces = 0;
  auto rest = std::string_view(content).substr(600'000);
  while (const auto operation = session->poll()) {
    const auto& write = std::get<WriteOpen>(*operation);
    CHECK(write.bytes.size() <= 256 << 10);
    const auto some = rest.substr(0, 100'000);
    rest.remove_prefix(some.size());
    REQUIRE(session->feed(std::as_bytes(std::span(some))));
    session->done(files.perform(*operation));
    ++pieces;
  }
  CHECK(pieces > 3);
  CHECK(said(std::string(rest) + ok) == ok);
  CHECK(this->content("/up/a") == content);
  ended(0);
}

TEST_CASE_FIXTURE(Server, "no more input is held than a window and a bit") {
  start("-t up/a");
  CHECK(said("C0644 9999999 a\n") == ok);
  const std::string much(1'500'000, 'x');
  CHECK(session->feed(std::as_bytes(std::span(much))));
  CHECK_FALSE(session->feed(std::as_bytes(std::span(much))));
}

TEST_CASE_FIXTURE(Server, "what is held is the memory, also of what was worked at") {
  start("-t /up/file");
  const std::string content(200'000, 'x');
  CHECK(said("C0644 200000 f\n" + content + '\0') == ok + ok);
  CHECK(session->held() >= content.size());
}

TEST_CASE_FIXTURE(Server, "thousands of records are worked on in turns") {
  start("-t up");
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "T1 0 1 0\n";
  REQUIRE(session->feed(std::as_bytes(std::span(lines))));
  CHECK_FALSE(session->poll());
  CHECK(session->more());
  CHECK(session->output().size() < 1000);
  CHECK(said() == std::string(1000, '\0'));
  CHECK_FALSE(session->more());
}

TEST_CASE_FIXTURE(Server, "the channel ends while a file comes in") {
  start("-t up/a");
  CHECK(said("C0644 5 a\nhel") == ok);
  while (session->close_next()) {
  }
  CHECK(told() == "open up/a\nclose up/a 3 forced\n");
  CHECK_FALSE(session->exit_status());
}

TEST_CASE_FIXTURE(Server, "a name that is free is not a miss, and an upload is received to its end") {
  begin("-t up/a");
  CHECK_FALSE(session->misses(Examine{storage::Path::parse("/up/a").value(), storage::Links::follow}));
  CHECK(session->misses(CreateNew{0, storage::Path::parse("/up/a").value()}));
  CHECK(session->outlives_client());
}
