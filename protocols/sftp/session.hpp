#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocols/files/file_session.hpp"
#include "protocols/sftp/attributes.hpp"
#include "protocols/sftp/event.hpp"
#include "protocols/sftp/handles.hpp"
#include "protocols/sftp/requests.hpp"
#include "protocols/sftp/wire.hpp"

namespace sftp {

using namespace files;

// A name that can be no path.
struct Misnamed {
  std::string name;
  storage::PathError error;
};

// What a user may do: the column "writes" of the request table decides.
enum class Access { read_only, uploads };

// An SFTP version 3 server for one client, which may only read, or also send new files. Requests are answered
// in their order.
class Session final : public FileSession {
 public:
  // `now`: seconds since 1970, for the dates that READDIR prints. `why_not`: what a client that may only read
  // is told when it writes.
  explicit Session(std::int64_t now, Access access = Access::read_only,
                   std::string why_not = "you may only read here")
      : now_(now), access_(access), why_not_(std::move(why_not)) {}

  bool feed(Bytes bytes) override;
  void eof() override { eof_ = true; }
  std::optional<Operation> poll(std::size_t room = longest_packet) override;
  bool more() const override { return more_; }
  void done(Answer answer) override;
  bool close_next() override;

  Output& output() override { return output_; }
  std::vector<Event> take_events() { return std::exchange(events_, {}); }
  std::vector<Misnamed> take_misnamed() { return std::exchange(misnamed_, {}); }
  std::size_t held() const override { return requests_.held() + output_.capacity(); }
  bool idle() const override;
  bool broken() const override { return broken_ || requests_.malformed(); }
  bool misses(const Operation&) const override { return true; }
  bool outlives_client() const override { return false; }
  std::optional<int> exit_status() const override { return eof_ ? std::optional(0) : std::nullopt; }

 private:
  struct Row;
  static std::span<const Row> rows();

  bool has_room_for(Bytes packet) const;
  std::uint32_t size_of_read(std::uint32_t asked) const;
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
  void tell(const std::string& name, const WantedAttributes& wanted);
  void set_by_name(std::uint32_t id, const std::string& name, const WantedAttributes& wanted);
  void set_open(std::uint32_t id, std::uint32_t number, const WantedAttributes& wanted);
  void send_name(std::uint32_t id, const storage::Path& path);
  void send_name(std::uint32_t id, std::string_view text);
  struct Name {
    storage::Path path;
    std::string spelled;  // as in Examine
  };
  std::optional<Name> name_or_status(std::uint32_t id, std::string_view name);
  std::optional<storage::Path> path_or_status(std::uint32_t id, std::string_view name);
  std::optional<std::uint32_t> new_handle(std::uint32_t id, std::string_view name, Handle::Use use,
                                          std::uint32_t flags = 0);
  std::optional<std::uint32_t> handle_or_status(std::uint32_t id, std::string_view wire);
  void ask(std::uint32_t id, Operation operation);
  void go_on(Operation operation);
  std::optional<std::uint32_t> opening() const;  // the handle that the pending operation opens
  void tell_closed(const Handle& open, bool forced);

  void answer(const storage::Attributes& attributes);
  void answer(std::size_t count);
  void answer(const std::vector<storage::Entry>& entries);
  void answer(const LinkTarget& target);
  void answer(const Space& space);
  void answer_read(const ReadOpen& asked, std::size_t read);
  void answer_copied(const CopyData& asked, std::size_t copied);
  void answer(Done);
  void answer(std::error_code error);

  void begin(Type type, std::uint32_t id);
  void send_handle(std::uint32_t number);
  void send_verdict(std::uint32_t id, std::string_view refusal);
  void send_status(std::uint32_t id, Status status);
  void send_status(std::uint32_t id, Status status, std::string_view text);

  const std::int64_t now_;
  const Access access_;
  const std::string why_not_;
  Requests requests_;  // what an operation carries may point into it
  Output output_;
  std::size_t room_ = 0;  // for it, as of the last poll()
  bool started_ = false, broken_ = false, more_ = false, eof_ = false;
  Handles handles_;
  struct Pending {
    std::uint32_t id;
    Operation operation;
    bool given = false;                  // poll() has handed it out
    std::optional<Operation> next = {};  // once this one is done
    std::string_view refusal = {};       // of a part of it, once the rest is done
    std::uint64_t left = 0;              // bytes to copy
    bool to_the_end = false;             // of the file that is copied from
  };
  std::optional<Pending> pending_;
  std::vector<Event> events_;
  std::vector<Misnamed> misnamed_;
};

}  // namespace sftp
