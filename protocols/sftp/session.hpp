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
  std::uint64_t written = 0;
};
struct Opendir {
  std::string name;
};
struct Closedir {
  std::string name;
  bool forced;
};
struct Remove {
  std::string name;
};
struct Mkdir {
  std::string name;
  std::uint32_t mode;
};
struct Rmdir {
  std::string name;
};
struct Pair {  // of names, for a rename and the like
  std::string_view request;
  std::string old_name, new_name;
};
struct Named {  // a request that only names something
  std::string_view request;
  std::string name;
};
struct SetSize {
  std::string name;
  std::uint64_t size;
};
struct SetMode {
  std::string name;
  std::uint32_t mode;
};
struct SetModtime {
  std::string name;
  std::int64_t modified;  // seconds since 1970, UTC
};
struct SetOwner {
  std::string name;
  std::uint32_t uid, gid;
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
using Event = std::variant<event::ClientVersion, event::Realpath, event::Stat, event::Open, event::Close,
                           event::Opendir, event::Closedir, event::Remove, event::Mkdir, event::Rmdir,
                           event::Pair, event::Named, event::SetSize, event::SetMode, event::SetModtime,
                           event::SetOwner, event::Refused, event::SentStatus, event::Unknown>;

std::string_view text_of(Status status);      // "No such file"
Status status_of(std::error_code error);      // as OpenSSH's errno_to_portable
std::string flags_text(std::uint32_t flags);  // "READ,CREATE"

// A name that can be no path.
struct Misnamed {
  std::string name;
  storage::PathError error;
};

enum class Access { read_only, uploads };

// An SFTP version 3 server for one client, which may only read, or also send new files. Pure: the channel's
// bytes come in through feed() and leave through output(); what has to happen in the file system comes out of
// poll(), one operation at a time, and its answer goes into done(). Requests are answered in their order. One
// thread at a time.
class Session {
 public:
  // `now`: seconds since 1970, for the dates that READDIR prints.
  explicit Session(std::int64_t now, Access access = Access::read_only) : now_(now), access_(access) {}

  // False: this is not SFTP, or more than any client has a reason to send ahead; close the channel.
  bool feed(Bytes bytes);
  // Works through what was fed until something has to be done, or enough output waits.
  std::optional<Operation> poll();
  void done(Answer answer);
  void close_all();  // the channel ended: says which handles were still open

  Output& output() { return output_; }
  std::vector<Event> take_events() { return std::exchange(events_, {}); }
  std::vector<Misnamed> take_misnamed() { return std::exchange(misnamed_, {}); }
  bool idle() const;                       // nothing is open, under way or waiting to be sent
  bool broken() const { return broken_; }  // the client broke the protocol; close the channel

 private:
  struct Row;
  static std::span<const Row> rows();

  enum class Use { free, directory, reading, writing };
  struct Open {
    Use use = Use::free;
    std::uint32_t flags = 0;  // of OPEN
    std::string name;
    std::uint64_t read = 0, written = 0;
    std::uint64_t end = 0;  // of the file that is written
  };
  // What a client wants set: ATTRS on its way in.
  struct Wanted {
    std::optional<std::uint64_t> size;
    std::optional<std::uint32_t> mode;
    std::optional<Times> times;
    struct Owner {
      std::uint32_t uid, gid;
    };
    std::optional<Owner> owner;
  };

  std::optional<Bytes> next_packet();
  bool has_room_for(Bytes packet) const;
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
  void write(std::uint32_t id, Reader& reader);
  void setstat(std::uint32_t id, Reader& reader);
  void fsetstat(std::uint32_t id, Reader& reader);
  void remove(std::uint32_t id, Reader& reader);
  void mkdir(std::uint32_t id, Reader& reader);
  void rmdir(std::uint32_t id, Reader& reader);
  void rename(std::uint32_t id, Reader& reader);
  void posix_rename(std::uint32_t id, Reader& reader);
  void readlink(std::uint32_t id, Reader& reader);
  void symlink(std::uint32_t id, Reader& reader);
  void hardlink(std::uint32_t id, Reader& reader);
  void lsetstat(std::uint32_t id, Reader& reader);
  void limits(std::uint32_t id, Reader& reader);
  void statvfs(std::uint32_t id, Reader& reader);
  void fstatvfs(std::uint32_t id, Reader& reader);
  void fsync(std::uint32_t id, Reader& reader);
  void expand_path(std::uint32_t id, Reader& reader);
  void home_directory(std::uint32_t id, Reader& reader);
  void copy_data(std::uint32_t id, Reader& reader);

  void examine(std::uint32_t id, Reader& reader, storage::Links links);
  void open_for_reading(std::uint32_t id, std::string_view name);
  void open_for_writing(std::uint32_t id, std::string_view name, std::uint32_t flags);
  void move(std::uint32_t id, Reader& reader, std::string_view request);
  void refuse_pair(std::uint32_t id, Reader& reader, std::string_view request);
  static Wanted wanted(Reader& reader);
  void tell(const std::string& name, const Wanted& wanted);
  void set_by_name(std::uint32_t id, const std::string& name, const Wanted& wanted);
  void set_open(std::uint32_t id, std::uint32_t number, const Wanted& wanted);
  void send_name(std::uint32_t id, const storage::Path& path);
  struct Name {
    storage::Path path;
    std::string spelled;  // as in Examine
  };
  std::optional<Name> name_or_status(std::uint32_t id, std::string_view name);
  std::optional<storage::Path> path_or_status(std::uint32_t id, std::string_view name);
  std::optional<std::uint32_t> new_handle(std::uint32_t id, std::string_view name, Use use,
                                          std::uint32_t flags = 0);
  Open* handle_or_status(std::uint32_t id, std::string_view wire, std::uint32_t& number);
  void ask(std::uint32_t id, Operation operation);
  void go_on(Operation operation);
  std::optional<std::uint32_t> opening() const;  // the handle that the pending operation opens
  void wrote(std::uint32_t handle, std::uint64_t offset, std::uint64_t size);
  static bool readable(const Open& open);
  static bool writable(const Open& open);
  static std::uint64_t place_of(const Open& open, std::uint64_t offset);  // where a write goes
  void tell_closed(const Open& open, bool forced);
  void compact();

  void answer(const storage::Attributes& attributes);
  void answer(std::size_t count);
  void answer(const std::vector<storage::Entry>& entries);
  void answer(const Space& space);
  void answer_read(const ReadFile& asked, std::size_t read);
  void answer_copied(const CopyData& asked, std::size_t copied);
  void answer(Done);
  void answer(std::error_code error);

  void begin(Type type, std::uint32_t id);
  void send_handle(std::uint32_t number);
  void send_status(std::uint32_t id, Status status);
  void put(const storage::Attributes& attributes);
  std::string long_name(const storage::Entry& entry) const;

  const std::int64_t now_;
  const Access access_;
  std::vector<std::byte> input_;
  std::vector<std::byte> later_;  // came while an operation may point into input_
  std::size_t parsed_ = 0;        // bytes of input_ that are done with
  Output output_;
  bool started_ = false, broken_ = false;
  std::vector<Open> handles_;
  struct Pending {
    std::uint32_t id;
    Operation operation;
    bool given = false;                  // poll() has handed it out
    std::optional<Operation> next = {};  // once this one is done
    Status verdict = Status::ok;         // once all is done
    std::uint64_t left = 0;              // bytes to copy
    bool to_the_end = false;             // of the file that is copied from
  };
  std::optional<Pending> pending_;
  std::vector<Event> events_;
  std::vector<Misnamed> misnamed_;
};

}  // namespace sftp
