#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocols/file_operation.hpp"
#include "protocols/sftp/wire.hpp"

namespace sftp {

using namespace files;

// What a log of sftp-server has lines for, in its words.
namespace event {
struct ClientVersion {
  std::uint32_t version;
};
struct Realpath {
  std::string name;
};
struct Stat {
  std::string name;
  bool follow;
};
struct Open {
  std::string name;
  std::uint32_t flags, mode;
};
struct Close {
  std::string name;
  std::uint64_t read;
  bool forced;
};
struct Opendir {
  std::string name;
};
struct Closedir {
  std::string name;
  bool forced;
};
struct Refused {
  std::string_view request;
};  // it writes, and the session is read-only
struct SentStatus {
  std::uint32_t id;
  Status status;
};
struct Unknown {
  std::uint32_t type;
  std::string extension;
};
}  // namespace event
using Event =
    std::variant<event::ClientVersion, event::Realpath, event::Stat, event::Open, event::Close,
                 event::Opendir, event::Closedir, event::Refused, event::SentStatus, event::Unknown>;

std::string_view text_of(Status status);      // "No such file"
Status status_of(std::error_code error);      // as OpenSSH's errno_to_portable
std::string flags_text(std::uint32_t flags);  // "READ,CREATE"

// An SFTP version 3 server for one client that may only read. Pure: the channel's bytes come in through
// feed() and leave through output(); what has to happen in the file system comes out of poll(), one operation
// at a time, and its answer goes into done(). Requests are answered in their order. One thread at a time.
class Session {
 public:
  // `now`: seconds since 1970, for the dates that READDIR prints.
  explicit Session(std::int64_t now) : now_(now) {}

  // False: this is not SFTP, or more than any client has a reason to send ahead; close the channel.
  bool feed(Bytes bytes);
  // Works through what was fed until something has to be done, or enough output waits.
  std::optional<Operation> poll();
  void done(Answer answer);
  void close_all();  // the channel ended: says which handles were still open

  Output& output() { return output_; }
  std::vector<Event> take_events() { return std::exchange(events_, {}); }
  bool idle() const;                       // nothing is open, under way or waiting to be sent
  bool broken() const { return broken_; }  // the client broke the protocol; close the channel

 private:
  struct Row;
  static std::span<const Row> rows();

  struct Open {
    bool used = false, directory = false;
    std::string name;
    std::uint64_t read = 0;
  };

  std::optional<Bytes> next_packet();
  void dispatch(Bytes packet);
  void init(Reader& reader);
  void realpath(std::uint32_t id, Reader& reader);
  void stat(std::uint32_t id, Reader& reader);
  void lstat(std::uint32_t id, Reader& reader);
  void fstat(std::uint32_t id, Reader& reader);
  void open(std::uint32_t id, Reader& reader);
  void opendir(std::uint32_t id, Reader& reader);
  void read(std::uint32_t id, Reader& reader);
  void readdir(std::uint32_t id, Reader& reader);
  void close(std::uint32_t id, Reader& reader);
  void readlink(std::uint32_t id, Reader& reader);
  void limits(std::uint32_t id, Reader& reader);

  void examine(std::uint32_t id, Reader& reader, storage::Links links);
  std::optional<storage::Path> path_or_status(std::uint32_t id, std::string_view name);
  std::optional<std::uint32_t> new_handle(std::uint32_t id, std::string_view name, bool directory);
  Open* handle_or_status(std::uint32_t id, std::string_view wire, std::uint32_t& number);
  void ask(std::uint32_t id, Operation operation);

  void answer(const storage::Attributes& attributes);
  void answer(std::size_t read);
  void answer(const std::vector<storage::Entry>& entries);
  void answer(Done);
  void answer(std::error_code error);

  void begin(Type type, std::uint32_t id);
  void send_status(std::uint32_t id, Status status);
  void put(const storage::Attributes& attributes);
  std::string long_name(const storage::Entry& entry) const;

  const std::int64_t now_;
  std::vector<std::byte> input_;
  std::size_t parsed_ = 0;  // bytes of input_ that are done with
  Output output_;
  bool started_ = false, broken_ = false;
  std::vector<Open> handles_;
  struct Pending {
    std::uint32_t id;
    Operation operation;
    bool given;  // poll() has handed it out
  };
  std::optional<Pending> pending_;
  std::vector<Event> events_;
};

}  // namespace sftp
