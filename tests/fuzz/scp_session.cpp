// SCP's two machines, with a client and a file system that do what the input says.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "protocols/scp/sink.hpp"
#include "protocols/scp/source.hpp"
#include "tests/fuzz/require.hpp"

using namespace scp;
using fuzz::require;

namespace {

using Script = FuzzedDataProvider;

enum class Opened { file, directory, upload };

struct Unneeded {  // whatever has no overload of its own
  template <class Operation>
  Unneeded(const Operation&) {}  // NOLINT(google-explicit-constructor)
};

// Answers as a file system may, and checks what is asked of it.
class Files {
 public:
  explicit Files(Script& in, bool sends) : in_(in), sends_(sends) {}

  Answer perform(const Operation& operation) {
    return std::visit([this](const auto& each) -> Answer { return run(each); }, operation);
  }
  bool open() const { return !open_.empty(); }
  bool upload_open() const { return open_.contains(0) && open_.at(0) == Opened::upload; }
  std::size_t published = 0;

 private:
  bool fails() { return in_.ConsumeIntegralInRange(0, 7) == 7; }
  std::error_code error() {
    return std::make_error_code(in_.PickValueInArray(
        {std::errc::no_such_file_or_directory, std::errc::permission_denied, std::errc::file_exists,
         std::errc::no_space_on_device, std::errc::not_a_directory}));
  }
  storage::Attributes attributes() {
    storage::Attributes a;
    a.kind = in_.PickValueInArray({storage::Kind::file, storage::Kind::file, storage::Kind::directory,
                                   storage::Kind::directory, storage::Kind::link, storage::Kind::other});
    a.size = in_.PickValueInArray<std::uint64_t>({0, 1, 5, 70'000, 300'000, 1ULL << 40});
    a.mode = in_.ConsumeIntegral<std::uint16_t>();
    a.modified = in_.ConsumeIntegral<std::int8_t>();
    a.version.number = in_.ConsumeIntegral<std::uint8_t>();
    return a;
  }

  template <class Operation>
  Answer opens(const Operation& op, Opened what) {
    require(!open_.contains(op.handle), "a handle is given out once");
    require(open_.size() < 70, "few handles are open");
    if (fails()) return error();
    open_[op.handle] = what;
    return Done{};
  }
  void must_be(std::uint32_t handle, Opened what) {
    require(open_.contains(handle) && open_[handle] == what, "what is used is open");
  }

  Answer run(const Examine&) {
    if (fails()) return error();
    return attributes();
  }
  Answer run(const ExamineOpen& op) {
    must_be(op.handle, Opened::file);
    if (fails()) return error();
    return attributes();
  }
  Answer run(const OpenToRead& op) {
    require(sends_, "only a source reads");
    return opens(op, Opened::file);
  }
  Answer run(const OpenDirectory& op) {
    require(sends_, "only a source reads");
    return opens(op, Opened::directory);
  }
  Answer run(const ReadOpen& op) {
    must_be(op.handle, Opened::file);
    require(!op.into.empty() && op.into.size() <= 256 << 10, "a read is of a piece");
    if (fails()) return error();
    const auto size = in_.ConsumeIntegralInRange<std::size_t>(0, op.into.size());
    std::memset(op.into.data(), 'x', size);
    return size;
  }
  Answer run(const ReadDirectory& op) {
    must_be(op.handle, Opened::directory);
    if (fails()) return error();
    std::vector<storage::Entry> entries(
        in_.ConsumeIntegralInRange<std::size_t>(0, std::min<std::size_t>(op.count, 3)));
    for (auto& entry : entries) {
      entry.name = in_.ConsumeRandomLengthString(8);
      std::erase_if(entry.name, [](char c) { return c == '/' || c == '\0'; });
      if (entry.name.empty() || entry.name == "." || entry.name == "..") entry.name = "n";
      entry.attributes = attributes();
    }
    return entries;
  }
  Answer run(const FindNames& op) {
    auto answer = run(ReadDirectory{op.handle, op.count});
    const auto* entries = std::get_if<std::vector<storage::Entry>>(&answer);
    if (!entries) return answer;
    for (const auto& entry : *entries) op.names->take(entry.name);
    if (entries->empty()) op.names->end();
    return entries->size();
  }
  Answer run(const CloseOpen& op) {
    require(open_.contains(op.handle), "what is closed is open");
    const bool upload = open_[op.handle] == Opened::upload;
    open_.erase(op.handle);
    if (upload) require(written_ == announced_, "what gets its name is whole");
    if (fails()) return error();
    published += upload;
    return Done{};
  }
  Answer run(const CreateNew& op) {
    require(!sends_ && op.size && *op.size <= INT64_MAX, "a file is announced");
    announced_ = *op.size;
    written_ = 0;
    return opens(op, Opened::upload);
  }
  Answer run(const WriteOpen& op) {
    must_be(op.handle, Opened::upload);
    require(op.offset == written_ && !op.bytes.empty() && op.bytes.size() <= 256 << 10,
            "pieces follow one another");
    for (const auto byte : {op.bytes.front(), op.bytes.back()}) (void)byte;
    if (fails()) return error();
    written_ += op.bytes.size();
    require(written_ <= announced_, "no more is written than announced");
    return Done{};
  }
  Answer run(const AbandonFile& op) {
    must_be(op.handle, Opened::upload);
    open_.erase(op.handle);
    return Done{};
  }
  Answer run(const SetTimesOpen& op) {
    must_be(op.handle, Opened::upload);
    require(written_ == announced_ && op.times.modified >= 0 && op.times.accessed >= 0, "times are the last");
    if (fails()) return error();
    return Done{};
  }
  Answer run(const MakeDirectory&) {
    require(!sends_, "a source writes nothing");
    if (fails()) return error();
    return Done{};
  }
  Answer run(const SetTimes&) {
    require(!sends_, "a source writes nothing");
    if (fails()) return error();
    return Done{};
  }
  Answer run(const Unneeded&) {
    require(false, "this no scp needs");
    return Done{};
  }

  Script& in_;
  const bool sends_;
  std::map<std::uint32_t, Opened> open_;
  std::uint64_t announced_ = 0, written_ = 0;
};

class Driver {
 public:
  Driver(Script& in, Command command) : in_(in), sends_(command.sends), files_(in, command.sends) {
    may_write_ = sends_ || in.ConsumeIntegralInRange(0, 15) != 0;
    if (sends_) {
      session_ = std::make_unique<Source>(std::move(command));
    } else {
      session_ = std::make_unique<Sink>(std::move(command), may_write_, "read-only");
    }
  }

  void run() {
    while (in_.remaining_bytes() > 0 && !session_->finished() && alive_) step();
    if (alive_) end();
    while (session_->close_next()) {
    }
    tell();
    require(!file_open_, "what was opened is told to be closed");
    require(session_->finished() || !alive_, "a client that is gone ends it");
    if (session_->finished()) check_finished();
  }

 private:
  void step() {
    switch (in_.ConsumeIntegralInRange(0, 9)) {
      case 0:
        return feed(in_.ConsumeRandomLengthString(64));
      case 1:
        return feed(std::string(in_.ConsumeIntegralInRange<std::size_t>(0, 300'000), 'x'));
      case 2:
        return take_output();
      case 3:
        return feed("\1" + in_.ConsumeRandomLengthString(16) + "\n");
      case 4:
      case 5:
        return feed(some_record());
      default:
        return feed(std::string(1, '\0'));
    }
  }

  std::string some_record() {
    static constexpr std::array records{"C0644 0 a\n",      "C0644 5 b\n", "C0600 70000 c\n", "D0755 0 d\n",
                                        "T1 0 2 0\n",       "E\n",         "C0644 1 ..\n",    "\2\n",
                                        "C0644 300000 e\n", "hello"};
    return in_.PickValueInArray(records);
  }

  void feed(const std::string& text) {
    alive_ = session_->feed(std::as_bytes(std::span(text)));
    if (alive_) work();
  }

  void work() {
    for (int rounds = 0;; ++rounds) {
      const auto operation = session_->poll();
      tell();
      if (!operation) {
        if (session_->more()) continue;
        break;
      }
      require(!session_->finished(), "once it is finished nothing is asked");
      require(may_write_, "who may not write asks nothing");
      require(!session_->poll(), "one operation at a time");
      if (in_.ConsumeBool()) take_output();
      if (!sends_ && in_.ConsumeIntegralInRange(0, 15) == 15) {
        (void)session_->feed(std::as_bytes(std::span("more", 4)));
      }
      session_->done(files_.perform(*operation));
      tell();
      require(session_->output().size() < 512 << 10, "little output waits");
      if (in_.remaining_bytes() == 0 && rounds > 50) break;  // a file of 1 TB, or a tree without end
    }
  }

  void take_output() {
    auto& output = session_->output();
    output.consume(in_.ConsumeIntegralInRange<std::size_t>(0, output.size()));
    output.release();
  }

  void end() {
    session_->eof();
    for (int turns = 0; !session_->finished() && turns < 300; ++turns) {
      session_->output().consume(session_->output().size());
      const auto operation = session_->poll();
      tell();
      if (operation) session_->done(files_.perform(*operation));
    }
    alive_ = session_->finished();  // or a file is still being sent
  }

  void check_finished() {
    require(session_->exit_status() == (failed_ ? session_->exit_status() : 0), "nobody fails in silence");
    if (failed_) require(session_->exit_status() == 1, "who was told of a failure gets a status");
    if (!sends_) require(!files_.upload_open(), "what is not whole is abandoned");
    if (session_->exit_status() == 0) require(!files_.open(), "all is closed in the end");
    require(files_.published <= closed_, "what is published was told");
  }

  void tell() {
    for (const auto& one : session_->take_events()) {
      if (const auto* open = std::get_if<event::Opened>(&one)) {
        require(!std::exchange(file_open_, true) && open->write == !sends_, "one file at a time");
      } else if (std::holds_alternative<event::Closed>(one)) {
        require(std::exchange(file_open_, false), "what is closed was open");
        ++closed_;
      } else {
        failed_ = true;
      }
    }
  }

  Script& in_;
  const bool sends_;
  bool may_write_ = true;
  Files files_;
  std::unique_ptr<Session> session_;
  bool alive_ = true, file_open_ = false, failed_ = false;
  std::size_t closed_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script in(data, size);
  static constexpr std::array commands{
      "scp -f x",  "scp -prf d x", "scp -rf /", "scp -pf *",    "scp -f a/?* b", "scp -t x", "scp -t /",
      "scp -rt d", "scp -prt d",   "scp -dt d", "scp -prdt d/", "scp -t a b",    "scp -t x/"};
  auto command = parse_command(in.PickValueInArray(commands));
  require(command.has_value(), "these are commands");
  Driver(in, std::move(*command)).run();
  return 0;
}
