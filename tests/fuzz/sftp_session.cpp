// SFTP's machine, with a client and a file system that do what the input says.
#include "protocols/sftp/session.hpp"

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <string>

#include "tests/fuzz/require.hpp"

using namespace sftp;
using fuzz::require;

namespace {

using Script = FuzzedDataProvider;

constexpr std::int64_t now = 1'700'000'000;
constexpr std::size_t largest_packet = 256 << 10;
constexpr std::size_t most_output = 3 * largest_packet;

enum class Opened { file, directory, upload };

struct Change {  // whatever has no overload of its own
  template <class Operation>
  Change(const Operation&) {}  // NOLINT(google-explicit-constructor)
};

// Answers as a file system may, and checks what is asked of it.
class Files {
 public:
  Files(Script& in, Access access) : in_(in), access_(access) {}

  Answer perform(const Operation& operation) {
    return std::visit([this](const auto& each) -> Answer { return run(each); }, operation);
  }
  std::size_t opened = 0;

 private:
  bool fails() { return in_.ConsumeIntegralInRange(0, 7) == 7; }
  std::error_code error() {
    return std::make_error_code(in_.PickValueInArray(
        {std::errc::no_such_file_or_directory, std::errc::permission_denied, std::errc::file_exists,
         std::errc::no_space_on_device, std::errc::not_a_directory, std::errc::filename_too_long,
         std::errc::function_not_supported}));
  }
  storage::Attributes attributes() {
    storage::Attributes a;
    a.kind = in_.PickValueInArray(
        {storage::Kind::file, storage::Kind::directory, storage::Kind::link, storage::Kind::other});
    a.size = in_.PickValueInArray<std::uint64_t>({0, 1, 70'000, UINT64_MAX});
    a.mode = in_.ConsumeIntegral<std::uint32_t>();
    a.modified = in_.PickValueInArray<std::int64_t>({0, now, -1, INT64_MAX, INT64_MIN});
    return a;
  }
  Answer attributes_or_error() {
    if (fails()) return error();
    return attributes();
  }
  Answer done_or_error() {
    if (fails()) return error();
    return Done{};
  }
  Answer written_or_error() {
    require(access_ == Access::uploads, "who may only read writes nothing");
    return done_or_error();
  }

  template <class Operation>
  Answer opens(const Operation& op, Opened what) {
    require(!open_.contains(op.handle), "a handle is given out once");
    require(open_.size() < 1024, "not more handles are open than announced");
    if (fails()) return error();
    open_[op.handle] = what;
    ++opened;
    return Done{};
  }
  void must_be(std::uint32_t handle, Opened what) {
    require(open_.contains(handle) && open_[handle] == what, "what is used is open");
  }
  void must_be_a_file(std::uint32_t handle) {
    require(open_.contains(handle) && open_[handle] != Opened::directory, "what is used is an open file");
  }

  Answer run(const Examine&) { return attributes_or_error(); }
  Answer run(const ExamineOpen& op) {
    must_be_a_file(op.handle);
    return attributes_or_error();
  }
  Answer run(const OpenToRead& op) { return opens(op, Opened::file); }
  Answer run(const OpenDirectory& op) { return opens(op, Opened::directory); }
  Answer run(const ReadOpen& op) {
    must_be_a_file(op.handle);
    require(op.into.size() < largest_packet && op.offset <= INT64_MAX - op.into.size(), "a read can be");
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
      entry.attributes = attributes();
    }
    return entries;
  }
  Answer run(const CloseOpen& op) {
    require(open_.erase(op.handle) == 1, "what is closed is open");
    return done_or_error();
  }
  Answer run(const CreateNew& op) {
    require(access_ == Access::uploads, "who may only read writes nothing");
    return opens(op, Opened::upload);
  }
  Answer run(const WriteOpen& op) {
    must_be(op.handle, Opened::upload);
    for (const auto byte : op.bytes) (void)byte;
    if (op.offset > INT64_MAX - op.bytes.size()) return std::make_error_code(std::errc::file_too_large);
    return written_or_error();
  }
  Answer run(const TruncateFile& op) {
    must_be(op.handle, Opened::upload);
    if (op.size > INT64_MAX) return std::make_error_code(std::errc::file_too_large);
    return written_or_error();
  }
  Answer run(const CopyData& op) {
    must_be_a_file(op.from);
    must_be(op.to, Opened::upload);
    require(op.from != op.to && op.size > 0 && op.size <= largest_packet, "a piece is copied");
    if (op.to_offset > INT64_MAX - op.size || op.offset > INT64_MAX - op.size || fails()) return error();
    return in_.ConsumeIntegralInRange<std::size_t>(0, op.size);
  }
  Answer run(const SyncFile& op) {
    must_be_a_file(op.handle);
    return written_or_error();
  }
  Answer run(const SetTimesOpen& op) {
    must_be(op.handle, Opened::upload);
    return written_or_error();
  }
  Answer run(const ExamineSpace&) {
    if (fails()) return error();
    Space space;
    space.block = in_.PickValueInArray<std::uint64_t>({0, 1, 4096});
    return space;
  }
  Answer run(const ReadLink&) {
    if (fails()) return error();
    return LinkTarget{in_.ConsumeRandomLengthString(8)};
  }
  Answer run(const AbandonFile&) {
    require(false, "an SFTP client says nothing of a file's end");
    return Done{};
  }
  // What changes names, and whatever stands below them.
  Answer run(const Change&) { return written_or_error(); }

  Script& in_;
  const Access access_;
  std::map<std::uint32_t, Opened> open_;
};

class Packet {
 public:
  explicit Packet(Type type) : body_(1, static_cast<char>(type)) {}
  Packet& u32(std::uint64_t value) { return number(value, 4); }
  Packet& u64(std::uint64_t value) { return number(value, 8); }
  Packet& string(std::string_view text) {
    u32(text.size());
    body_ += text;
    return *this;
  }
  std::string framed() const {
    auto size = Packet(Type::init);
    size.body_.clear();
    size.u32(body_.size());
    return size.body_ + body_;
  }

 private:
  Packet& number(std::uint64_t value, unsigned bytes) {
    for (auto shift = 8 * bytes; shift > 0; shift -= 8) body_ += static_cast<char>(value >> (shift - 8));
    return *this;
  }
  std::string body_;
};

class Driver {
 public:
  explicit Driver(Script& in)
      : in_(in),
        access_(in.ConsumeBool() ? Access::uploads : Access::read_only),
        session_(now, access_),
        files_(in, access_) {}

  void run() {
    feed(Packet(Type::init).u32(3).framed());
    while (in_.remaining_bytes() > 0 && alive_) step();
    while (session_.close_next()) {
    }
    tell();
    require(closed_ == files_.opened, "what was opened is told to be closed");
  }

 private:
  void step() {
    switch (in_.ConsumeIntegralInRange(0, 11)) {
      case 0:
        in_step_ = false;  // from here on nobody can tell what is a request
        return feed(in_.ConsumeRandomLengthString(64));
      case 1: {
        const auto text = request();
        const auto cut = in_.ConsumeIntegralInRange<std::size_t>(0, text.size());
        between_packets_ = false;
        feed(text.substr(0, cut));
        between_packets_ = true;
        return feed(text.substr(cut));
      }
      case 2:
        take_output();
        return work();
      default:
        return feed(request());
    }
  }

  std::string name() {
    static constexpr std::array names{"/", ".", "", "/a", "/uploads/a", "/uploads/b", "../x", "a/./b"};
    return in_.ConsumeIntegralInRange(0, 7) == 7 ? in_.ConsumeRandomLengthString(32)
                                                 : names[in_.ConsumeIntegralInRange<std::size_t>(0, 7)];
  }
  std::string handle() {
    if (handles_.empty() || in_.ConsumeIntegralInRange(0, 15) == 15) return in_.ConsumeRandomLengthString(5);
    return handles_[in_.ConsumeIntegralInRange<std::size_t>(0, handles_.size() - 1)];
  }
  std::uint64_t offset() {
    return in_.PickValueInArray<std::uint64_t>({0, 1, 5, 70'000, INT64_MAX, INT64_MAX - 10, UINT64_MAX});
  }
  std::uint64_t length() { return in_.PickValueInArray<std::uint64_t>({0, 1, 32'768, 261'120, UINT32_MAX}); }
  void attributes(Packet& packet) {
    const auto flags = in_.ConsumeIntegralInRange<std::uint32_t>(0, 15);
    packet.u32(flags);
    if ((flags & 1) != 0) packet.u64(offset());
    if ((flags & 2) != 0) packet.u32(1).u32(2);
    if ((flags & 4) != 0) packet.u32(0644);
    if ((flags & 8) != 0) packet.u32(now).u32(now);
  }

  std::string request() {
    const auto type = in_.PickValueInArray(
        {Type::open,    Type::open,     Type::close,   Type::read,    Type::read,     Type::write,
         Type::write,   Type::lstat,    Type::fstat,   Type::setstat, Type::fsetstat, Type::opendir,
         Type::readdir, Type::remove,   Type::mkdir,   Type::rmdir,   Type::realpath, Type::stat,
         Type::rename,  Type::readlink, Type::symlink, Type::extended});
    const auto id = ++last_id_;
    Packet packet(type);
    packet.u32(id);
    fill(packet, type);
    if (in_step_) asked_.push_back(id);
    return packet.framed();
  }

  void fill(Packet& packet, Type type) {
    switch (type) {
      case Type::open:
        packet.string(name()).u32(in_.ConsumeIntegralInRange<std::uint32_t>(0, 63));
        return attributes(packet);
      case Type::read:
        packet.string(handle()).u64(offset()).u32(length());
        return;
      case Type::write:
        packet.string(handle()).u64(offset());
        packet.string(std::string(in_.ConsumeIntegralInRange<std::size_t>(0, 70'000), 'x'));
        return;
      case Type::close:
      case Type::fstat:
      case Type::readdir:
        packet.string(handle());
        return;
      case Type::fsetstat:
        packet.string(handle());
        return attributes(packet);
      case Type::setstat:
      case Type::mkdir:
        packet.string(name());
        return attributes(packet);
      case Type::rename:
      case Type::symlink:
        packet.string(name()).string(name());
        return;
      case Type::extended:
        return extension(packet);
      default:
        packet.string(name());
    }
  }

  void extension(Packet& packet) {
    const std::string what = in_.PickValueInArray(
        {"copy-data", "fsync@openssh.com", "statvfs@openssh.com", "fstatvfs@openssh.com",
         "limits@openssh.com", "posix-rename@openssh.com", "hardlink@openssh.com", "lsetstat@openssh.com",
         "expand-path@openssh.com", "home-directory", "no-such"});
    packet.string(what);
    if (what == "copy-data") {
      packet.string(handle()).u64(offset()).u64(length()).string(handle()).u64(offset());
    } else if (what.starts_with("f")) {
      packet.string(handle());
    } else {
      packet.string(name()).string(name());
    }
  }

  void feed(const std::string& text) {
    if (!alive_) return;
    alive_ = session_.feed(std::as_bytes(std::span(text)));
    if (alive_) work();
  }

  void work() {
    for (int rounds = 0; rounds < 200; ++rounds) {  // a copy to the end of a file that has none
      const auto operation = session_.poll(in_.PickValueInArray<std::size_t>({0, 100, largest_packet}));
      tell();
      if (!operation && session_.more()) continue;
      if (!operation) break;
      require(!session_.poll(), "one operation at a time");
      // More comes while a worker is at it.
      if (between_packets_ && in_.ConsumeIntegralInRange(0, 15) == 15) {
        const auto more = request();
        alive_ = alive_ && session_.feed(std::as_bytes(std::span(more)));
      }
      session_.done(files_.perform(*operation));
      tell();
      require(session_.output().size() < most_output, "little output waits");
    }
    if (session_.broken()) {
      require(!in_step_, "what is well formed does not break the session");
      alive_ = false;
    }
    if (in_.ConsumeBool()) take_output();
  }

  void take_output() {
    const auto bytes = session_.output().bytes();
    output_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    session_.output().consume(bytes.size());
    session_.output().release();
    while (output_.size() >= 4) {
      const auto size = Reader(std::as_bytes(std::span(output_))).u32();
      require(size > 0 && size <= largest_packet, "a reply can be read");
      if (output_.size() - 4 < size) return;
      reply(output_.substr(4, size));
      output_.erase(0, 4 + size);
    }
  }

  void reply(const std::string& packet) {
    Reader reader(std::as_bytes(std::span(packet)).subspan(1));
    const auto type = static_cast<Type>(packet[0]);
    if (type == Type::version) return;
    const auto id = reader.u32();
    if (in_step_) {
      require(!asked_.empty() && asked_.front() == id, "requests are answered in their order, once each");
      asked_.pop_front();
    }
    if (type == Type::handle) handles_.emplace_back(reader.string());
    require(reader.ok(), "a reply is whole");
  }

  void tell() {
    for (const auto& one : session_.take_events()) {
      if (std::holds_alternative<event::Close>(one) || std::holds_alternative<event::Closedir>(one)) {
        require(++closed_ <= files_.opened, "what is closed was open");
      } else if (const auto* status = std::get_if<event::SentStatus>(&one)) {
        require(!text_of(status->status).empty(), "each status has a text");
      }
    }
  }

  Script& in_;
  const Access access_;
  Session session_;
  Files files_;
  bool alive_ = true, in_step_ = true, between_packets_ = true;
  std::uint32_t last_id_ = 0;
  std::deque<std::uint32_t> asked_;
  std::vector<std::string> handles_;
  std::string output_;
  std::size_t closed_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script in(data, size);
  Driver(in).run();
  return 0;
}
