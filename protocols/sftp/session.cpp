#include "protocols/sftp/session.hpp"

#include <algorithm>
#include <array>

#include "storage/lookup/asked_name.hpp"

namespace sftp {
namespace {

// OpenSSH's number, announced by limits@openssh.com; its client asks for reads of this size and no longer of
// 32 KiB.
constexpr std::uint32_t longest_read = longest_packet - 1024;
constexpr std::uint32_t least_read = 32 << 10;  // that no client asks for again and again
constexpr std::size_t entries_at_once = 100;
constexpr std::uint32_t published_mode = 0644;  // of every file that came in
constexpr std::size_t copied_at_once = 256 * 1024;
constexpr std::uint64_t longest_file = INT64_MAX;  // what a file's offset can be

constexpr auto writing_flags = open_flag::write | open_flag::append | open_flag::create | open_flag::truncate;

// One turn on the loop: each request costs a log line or two, and a long name more.
constexpr int requests_at_once = 64;
constexpr std::size_t bytes_at_once = 16 << 10;

constexpr std::size_t longest_extension_told = 100;
constexpr std::string_view no_links = "links are never made here";
constexpr std::string_view no_such_handle = "No such handle is open";
constexpr std::string_view fixed_attributes = "size and owner of a file that is there stay as they are";
constexpr std::string_view fixed_owner = "the owner of a file stays as it is";
constexpr std::string_view too_many_open = "Too many files are open: close some first";

// The code's usual text, for clients that look for it; in the place of "Failure", which says nothing, what
// the system says, and always what the server decided.
std::string told(std::error_code error) {
  const bool ours = error.category() != std::system_category() && error.category() != std::generic_category();
  const auto status = status_of(error);
  return ours || status == Status::failure ? error.message() : std::string(text_of(status));
}

}  // namespace

// One row a request. `writes` is the whole policy: such a request reaches its handler only in a session that
// may write, and such an extension is announced only there.
struct Session::Row {
  Type type;
  std::string_view extension;  // for Type::extended
  std::string_view version;    // it is announced with; not at all without one
  std::string_view name;
  bool writes;
  void (Session::*run)(std::uint32_t id, Reader& reader);
};

std::span<const Session::Row> Session::rows() {
  static constexpr std::array table{
      Row{Type::open, "", "", "open", false, &Session::open},  // looks at its flags itself
      Row{Type::close, "", "", "close", false, &Session::close},
      Row{Type::read, "", "", "read", false, &Session::read},
      Row{Type::write, "", "", "write", true, &Session::write},
      Row{Type::lstat, "", "", "lstat", false, &Session::lstat},
      Row{Type::fstat, "", "", "fstat", false, &Session::fstat},
      Row{Type::setstat, "", "", "setstat", true, &Session::setstat},
      Row{Type::fsetstat, "", "", "fsetstat", true, &Session::fsetstat},
      Row{Type::opendir, "", "", "opendir", false, &Session::opendir},
      Row{Type::readdir, "", "", "readdir", false, &Session::readdir},
      Row{Type::remove, "", "", "remove", true, &Session::remove},
      Row{Type::mkdir, "", "", "mkdir", true, &Session::mkdir},
      Row{Type::rmdir, "", "", "rmdir", true, &Session::rmdir},
      Row{Type::realpath, "", "", "realpath", false, &Session::realpath},
      Row{Type::stat, "", "", "stat", false, &Session::stat},
      Row{Type::rename, "", "", "rename", true, &Session::rename},
      Row{Type::readlink, "", "", "readlink", false, &Session::readlink},
      Row{Type::symlink, "", "", "symlink", true, &Session::symlink},
      Row{Type::extended, "posix-rename@openssh.com", "1", "posix-rename", true, &Session::posix_rename},
      Row{Type::extended, "statvfs@openssh.com", "2", "statvfs", false, &Session::statvfs},
      Row{Type::extended, "fstatvfs@openssh.com", "2", "fstatvfs", false, &Session::fstatvfs},
      Row{Type::extended, "hardlink@openssh.com", "", "hardlink", true, &Session::hardlink},
      Row{Type::extended, "fsync@openssh.com", "1", "fsync", true, &Session::fsync},
      Row{Type::extended, "lsetstat@openssh.com", "", "lsetstat", true, &Session::lsetstat},
      Row{Type::extended, "limits@openssh.com", "1", "limits", false, &Session::limits},
      Row{Type::extended, "expand-path@openssh.com", "1", "expand-path", false, &Session::expand_path},
      Row{Type::extended, "copy-data", "1", "copy-data", true, &Session::copy_data},
      Row{Type::extended, "home-directory", "1", "home-directory", false, &Session::home_directory},
  };
  return table;
}

bool Session::feed(Bytes bytes) { return !broken() && requests_.feed(bytes); }

std::optional<Operation> Session::poll(std::size_t room) {
  more_ = false;
  room_ = std::min<std::size_t>(room, longest_packet);
  std::size_t bytes = 0;
  for (int requests = 0; !broken_ && !pending_; ++requests) {
    const auto packet = requests_.front();
    if (!packet || !has_room_for(*packet)) break;
    more_ = requests == requests_at_once || bytes > bytes_at_once;
    if (more_) break;
    bytes += packet->size();
    requests_.begin(*packet);
    dispatch(*packet);
    if (!pending_) requests_.done();
  }
  if (!pending_ || std::exchange(pending_->given, true)) return {};
  return pending_->operation;
}

// What is read waits in the output; every other answer is small.
bool Session::has_room_for(Bytes packet) const {
  std::size_t size = 0;
  if (static_cast<Type>(packet[0]) == Type::read) {
    Reader reader(packet.subspan(1));
    reader.u32();  // the id
    reader.handle();
    reader.u64();
    size = size_of_read(reader.u32());
  }
  return output_.size() == 0 || output_.size() + size < room_;
}

// Each gets a part of what it asks for when there is no room for the whole.
std::uint32_t Session::size_of_read(std::uint32_t asked) const {
  const auto most = std::clamp<std::size_t>(room_, least_read, longest_read);
  return std::min(asked, static_cast<std::uint32_t>(most));
}

void Session::dispatch(Bytes packet) {
  const auto type = static_cast<Type>(packet[0]);
  Reader reader(packet.subspan(1));
  if (!started_) {
    if (type == Type::init) return init(reader);
    broken_ = true;
    return;
  }
  const auto id = reader.u32();
  const auto extension = type == Type::extended ? reader.string() : std::string_view{};
  if (!reader.ok() || type == Type::init) {
    broken_ = true;
    return;
  }
  for (const auto& row : rows()) {
    if (row.type != type || row.extension != extension) continue;
    if (!row.writes || access_ == Access::uploads) return (this->*row.run)(id, reader);
    events_.push_back(event::Refused{row.name});
    return send_status(id, Status::permission_denied, why_not_);
  }
  events_.push_back(event::Unknown{static_cast<std::uint32_t>(type),
                                   std::string(extension.substr(0, longest_extension_told))});
  send_status(id, Status::op_unsupported);
}

void Session::init(Reader& reader) {
  const auto version = reader.u32();
  if (!reader.ok()) {
    broken_ = true;
    return;
  }
  started_ = true;
  events_.push_back(event::ClientVersion{version});
  output_.begin_packet(Type::version);
  output_.u32(3);
  for (const auto& row : rows()) {
    if (row.version.empty() || (row.writes && access_ != Access::uploads)) continue;
    output_.string(row.extension);
    output_.string(row.version);
  }
  output_.end_packet();
}

void Session::realpath(std::uint32_t id, Reader& reader) {
  const auto name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Realpath{std::string(name)});
  // OpenSSH takes the empty name for ".".
  if (const auto path = path_or_status(id, name.empty() ? "." : name)) send_name(id, *path);
}

void Session::send_name(std::uint32_t id, const storage::Path& path) { send_name(id, path.text()); }

void Session::send_name(std::uint32_t id, std::string_view text) {
  begin(Type::name, id);
  output_.u32(1);
  output_.string(text);
  output_.string(text);
  output_.u32(0);  // no attributes
  output_.end_packet();
}

void Session::stat(std::uint32_t id, Reader& reader) { examine(id, reader, storage::Links::follow); }
void Session::lstat(std::uint32_t id, Reader& reader) { examine(id, reader, storage::Links::keep); }

void Session::examine(std::uint32_t id, Reader& reader, storage::Links links) {
  const auto name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Stat{std::string(name), links == storage::Links::follow});
  if (auto read = name_or_status(id, name))
    ask(id, Examine{std::move(read->path), links, std::move(read->spelled)});
}

void Session::fstat(std::uint32_t id, Reader& reader) {
  const auto handle = reader.handle();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto number = handle_or_status(id, handle);
  if (!number) return;
  if (handles_[*number].use == Handle::Use::directory) return send_status(id, Status::failure);
  ask(id, ExamineOpen{*number});
}

void Session::open(std::uint32_t id, Reader& reader) {
  const auto name = reader.name();
  const auto flags = reader.u32();
  const auto attributes = read_attributes(reader);
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Open{std::string(name), flags, attributes.mode.value_or(0666)});
  if ((flags & writing_flags) == 0) return open_for_reading(id, name);
  if (access_ == Access::uploads) return open_for_writing(id, name, flags);
  events_.push_back(event::Refused{"open"});
  send_status(id, Status::permission_denied, why_not_);
}

void Session::open_for_reading(std::uint32_t id, std::string_view name) {
  auto read = name_or_status(id, name);
  if (!read) return;
  if (const auto handle = new_handle(id, name, Handle::Use::reading))
    ask(id, OpenToRead{*handle, std::move(read->path), std::move(read->spelled)});
}

void Session::open_for_writing(std::uint32_t id, std::string_view name, std::uint32_t flags) {
  const auto path = path_or_status(id, name);
  if (!path) return;
  const auto handle = new_handle(id, name, Handle::Use::writing, flags);
  if (handle) ask(id, CreateNew{*handle, *path, {}, (flags & open_flag::create) != 0});
}

void Session::opendir(std::uint32_t id, Reader& reader) {
  const auto name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Opendir{std::string(name)});
  const auto path = path_or_status(id, name);
  if (!path) return;
  if (const auto handle = new_handle(id, name, Handle::Use::directory))
    ask(id, OpenDirectory{*handle, *path});
}

void Session::read(std::uint32_t id, Reader& reader) {
  const auto handle = reader.handle();
  const auto offset = reader.u64();
  const auto size = size_of_read(reader.u32());
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto number = handle_or_status(id, handle);
  if (!number) return;
  // Beyond what a file offset can be there is no file.
  if (!handles_[*number].readable() || offset > longest_file - size) return send_status(id, Status::failure);
  begin(Type::data, id);
  output_.u32(size);
  const auto into = output_.grow(size);
  ask(id, ReadOpen{*number, offset, into});
}

void Session::readdir(std::uint32_t id, Reader& reader) {
  const auto handle = reader.handle();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto number = handle_or_status(id, handle);
  if (!number) return;
  if (handles_[*number].use != Handle::Use::directory) return send_status(id, Status::failure);
  ask(id, ReadDirectory{*number, entries_at_once});
}

void Session::close(std::uint32_t id, Reader& reader) {
  const auto handle = reader.handle();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto number = handle_or_status(id, handle);
  if (!number) return;
  tell_closed(handles_[*number], false);
  handles_.free(*number);
  ask(id, CloseOpen{*number});
}

void Session::tell_closed(const Handle& open, bool forced) {
  if (open.use == Handle::Use::directory) {
    events_.push_back(event::Closedir{open.name, forced});
  } else {
    events_.push_back(event::Close{open.name, open.read, forced, open.written});
  }
}

void Session::write(std::uint32_t id, Reader& reader) {
  const auto handle = reader.handle();
  const auto offset = reader.u64();
  const auto bytes = reader.string();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto number = handle_or_status(id, handle);
  if (!number) return;
  const auto& open = handles_[*number];
  if (!open.writable()) return send_status(id, Status::failure);
  ask(id, WriteOpen{*number, open.place(offset), std::as_bytes(std::span(bytes))});
}

void Session::setstat(std::uint32_t id, Reader& reader) {
  const std::string name(reader.name());
  const auto attributes = read_attributes(reader);
  if (!reader.ok()) return send_status(id, Status::bad_message);
  set_by_name(id, name, attributes);
}

void Session::fsetstat(std::uint32_t id, Reader& reader) {
  const auto handle = reader.handle();
  const auto attributes = read_attributes(reader);
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto number = handle_or_status(id, handle);
  if (!number) return;
  const auto& open = handles_[*number];
  if (open.use == Handle::Use::directory) return send_status(id, Status::failure);
  if (open.use == Handle::Use::reading) return set_by_name(id, open.name, attributes);
  set_open(id, *number, attributes);
}

void Session::tell(const std::string& name, const WantedAttributes& wanted) {
  if (wanted.size) events_.push_back(event::SetSize{name, *wanted.size});
  if (wanted.mode) {
    const auto mode = *wanted.mode & 07777;
    events_.push_back(event::SetMode{name, mode});
    if (mode != published_mode) events_.push_back(event::ModeIgnored{name, mode});
  }
  if (wanted.times) events_.push_back(event::SetModtime{name, wanted.times->modified});
  if (wanted.owner) events_.push_back(event::SetOwner{name, wanted.owner->uid, wanted.owner->gid});
}

// The mode is the server's choice, but clients send theirs with every file and complain when it is refused.
void Session::set_by_name(std::uint32_t id, const std::string& name, const WantedAttributes& wanted) {
  tell(name, wanted);
  const auto path = path_or_status(id, name);
  if (!path) return;
  if (wanted.times) {
    ask(id, SetTimes{*path, *wanted.times});
  } else {
    ask(id, ExamineOwn{*path});
  }
  if (wanted.size || wanted.owner) pending_->refusal = fixed_attributes;
}

void Session::set_open(std::uint32_t id, std::uint32_t number, const WantedAttributes& wanted) {
  tell(handles_[number].name, wanted);
  const auto refusal = wanted.owner ? fixed_owner : std::string_view{};
  std::optional<Operation> times;
  if (wanted.times) times = SetTimesOpen{number, *wanted.times};
  if (wanted.size) {
    ask(id, TruncateFile{number, *wanted.size});
    pending_->next = std::move(times);
  } else if (times) {
    ask(id, std::move(*times));
  } else {
    return send_verdict(id, refusal);
  }
  pending_->refusal = refusal;
}

void Session::remove(std::uint32_t id, Reader& reader) {
  const auto name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Remove{std::string(name)});
  if (const auto path = path_or_status(id, name)) ask(id, RemoveFile{*path});
}

void Session::mkdir(std::uint32_t id, Reader& reader) {
  const auto name = reader.name();
  const auto mode = read_attributes(reader).mode.value_or(0777);
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Mkdir{std::string(name), mode & 07777});
  if (const auto path = path_or_status(id, name)) ask(id, MakeDirectory{*path});
}

void Session::rmdir(std::uint32_t id, Reader& reader) {
  const auto name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Rmdir{std::string(name)});
  if (const auto path = path_or_status(id, name)) ask(id, RemoveEmpty{*path});
}

void Session::rename(std::uint32_t id, Reader& reader) { move(id, reader, "rename"); }
void Session::posix_rename(std::uint32_t id, Reader& reader) { move(id, reader, "posix-rename"); }

void Session::move(std::uint32_t id, Reader& reader, std::string_view request) {
  const auto old_name = reader.name();
  const auto new_name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Pair{request, std::string(old_name), std::string(new_name)});
  const auto from = path_or_status(id, old_name);
  if (!from) return;
  if (const auto to = path_or_status(id, new_name)) ask(id, Rename{*from, *to});
}

void Session::readlink(std::uint32_t id, Reader& reader) {
  const auto name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Named{"readlink", std::string(name)});
  if (const auto path = path_or_status(id, name)) ask(id, ReadLink{*path});
}

void Session::symlink(std::uint32_t id, Reader& reader) { refuse_pair(id, reader, "symlink"); }
void Session::hardlink(std::uint32_t id, Reader& reader) { refuse_pair(id, reader, "hardlink"); }

void Session::refuse_pair(std::uint32_t id, Reader& reader, std::string_view request) {
  const auto old_name = reader.name();
  const auto new_name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Pair{request, std::string(old_name), std::string(new_name)});
  send_status(id, Status::permission_denied, no_links);
}

void Session::lsetstat(std::uint32_t id, Reader&) { send_status(id, Status::permission_denied); }

void Session::limits(std::uint32_t id, Reader&) {
  begin(Type::extended_reply, id);
  output_.u64(longest_packet);
  output_.u64(longest_read);
  output_.u64(longest_read);  // writes
  output_.u64(Handles::most);
  output_.end_packet();
}

void Session::statvfs(std::uint32_t id, Reader& reader) {
  const auto name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Named{"statvfs", std::string(name)});
  if (const auto path = path_or_status(id, name)) ask(id, ExamineSpace{*path});
}

void Session::fstatvfs(std::uint32_t id, Reader& reader) {
  const auto handle = reader.handle();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto number = handle_or_status(id, handle);
  if (!number) return;
  const auto& open = handles_[*number];
  // A name that is written to is not there yet; its folder is.
  if (const auto path = path_or_status(id, open.name))
    ask(id, ExamineSpace{open.use == Handle::Use::writing ? path->parent() : *path});
}

void Session::fsync(std::uint32_t id, Reader& reader) {
  const auto handle = reader.handle();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto number = handle_or_status(id, handle);
  if (!number) return;
  const auto& open = handles_[*number];
  if (open.use == Handle::Use::directory) return send_status(id, Status::failure);
  events_.push_back(event::Named{"fsync", open.name});
  ask(id, SyncFile{*number});
}

// "~" is "/", and nobody else's home is told.
void Session::expand_path(std::uint32_t id, Reader& reader) {
  auto name = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Named{"expand", std::string(name)});
  if (name.starts_with('~')) {
    name.remove_prefix(1);
    if (!name.empty() && name[0] != '/') return send_status(id, Status::failure);
  }
  if (const auto path = path_or_status(id, name.empty() ? "." : name)) send_name(id, *path);
}

void Session::home_directory(std::uint32_t id, Reader& reader) {
  const auto user = reader.name();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  events_.push_back(event::Named{"home-directory", std::string(user)});
  send_name(id, storage::Path{});
}

// draft-ietf-secsh-filexfer-extensions-00 section 7: a length of 0 is up to the end.
void Session::copy_data(std::uint32_t id, Reader& reader) {
  const auto from_handle = reader.handle();
  const auto offset = reader.u64(), size = reader.u64();
  const auto to_handle = reader.handle();
  const auto to_offset = reader.u64();
  if (!reader.ok()) return send_status(id, Status::bad_message);
  const auto from = handle_or_status(id, from_handle);
  if (!from) return;
  const auto to = handle_or_status(id, to_handle);
  if (!to) return;
  if (from == to || !handles_[*from].readable() || !handles_[*to].writable() ||
      offset > longest_file - copied_at_once) {
    return send_status(id, Status::failure);
  }
  const auto first =
      static_cast<std::size_t>(size == 0 ? copied_at_once : std::min<std::uint64_t>(size, copied_at_once));
  ask(id, CopyData{*from, offset, *to, handles_[*to].place(to_offset), first});
  pending_->left = size;
  pending_->to_the_end = size == 0;
}

std::optional<Session::Name> Session::name_or_status(std::uint32_t id, std::string_view name) {
  if (storage::Path::parse(name) == std::unexpected(storage::PathError::invalid)) {
    if (auto read = storage::read_name(name, storage::AboveRoot::stays))
      return Name{std::move(read->path), std::string(name)};
  }
  auto path = path_or_status(id, name);
  if (!path) return {};
  return Name{std::move(*path), {}};
}

std::optional<storage::Path> Session::path_or_status(std::uint32_t id, std::string_view name) {
  auto path = storage::Path::parse(name);
  if (path) return std::move(*path);
  misnamed_.push_back({std::string(name), path.error()});
  send_status(id, path.error() == storage::PathError::too_long ? Status::bad_message : Status::no_such_file);
  return {};
}

std::optional<std::uint32_t> Session::new_handle(std::uint32_t id, std::string_view name, Handle::Use use,
                                                 std::uint32_t flags) {
  const auto number = handles_.add(name, use, flags);
  if (!number) send_status(id, Status::failure, too_many_open);
  return number;
}

std::optional<std::uint32_t> Session::handle_or_status(std::uint32_t id, std::string_view wire) {
  const auto number = handles_.find(wire);
  if (!number) send_status(id, Status::failure, no_such_handle);
  return number;
}

void Session::ask(std::uint32_t id, Operation operation) { pending_ = Pending{id, std::move(operation)}; }

// The same request goes on with another operation.
void Session::go_on(Operation operation) {
  pending_->operation = std::move(operation);
  pending_->given = false;
}

void Session::done(Answer answer) {
  std::visit([this](auto& result) { this->answer(result); }, answer);
  if (!pending_->given) return;
  pending_.reset();
  requests_.done();
}

void Session::answer(const storage::Attributes& attributes) {
  begin(Type::attrs, pending_->id);
  put_attributes(output_, attributes);
  output_.end_packet();
}

void Session::answer(std::size_t count) {
  if (const auto* read = std::get_if<ReadOpen>(&pending_->operation)) return answer_read(*read, count);
  answer_copied(std::get<CopyData>(pending_->operation), count);
}

void Session::answer_read(const ReadOpen& asked, std::size_t read) {
  if (read == 0 && !asked.into.empty()) {
    output_.drop_packet();
    return send_status(pending_->id, Status::eof);
  }
  handles_[asked.handle].read += read;
  output_.shrink(asked.into.size() - read);
  Output::put({asked.into.data() - 4, 4}, read);  // the length that stands before the data
  output_.end_packet();
}

void Session::answer_copied(const CopyData& asked, std::size_t copied) {
  if (copied == 0) return send_status(pending_->id, pending_->to_the_end ? Status::ok : Status::eof);
  handles_[asked.to].wrote(asked.to_offset, copied);
  auto next = asked;
  next.offset += copied;
  next.to_offset += copied;
  if (!pending_->to_the_end) {
    pending_->left -= copied;
    if (pending_->left == 0) return send_status(pending_->id, Status::ok);
    next.size = static_cast<std::size_t>(std::min<std::uint64_t>(pending_->left, copied_at_once));
  }
  go_on(next);
}

void Session::answer(const std::vector<storage::Entry>& entries) {
  if (entries.empty()) return send_status(pending_->id, Status::eof);
  begin(Type::name, pending_->id);
  output_.u32(static_cast<std::uint32_t>(entries.size()));
  for (const auto& entry : entries) {
    output_.string(entry.name);
    output_.string(long_name(entry, now_));
    put_attributes(output_, entry.attributes);
  }
  output_.end_packet();
}

void Session::answer(const LinkTarget& target) { send_name(pending_->id, target.text); }

// The numbers are draft-ietf-secsh-filexfer's f_ fields, in OpenSSH's order (PROTOCOL section 4.4).
void Session::answer(const Space& space) {
  constexpr std::uint64_t read_only = 1, no_set_uid = 2;
  const auto block = std::max<std::uint64_t>(space.block, 1);
  begin(Type::extended_reply, pending_->id);
  for (const auto value : {block, block, space.total / block, space.free / block, space.available / block,
                           space.files, space.free_files, space.free_files, std::uint64_t{0},
                           no_set_uid | (space.read_only ? read_only : 0), space.name_length}) {
    output_.u64(value);
  }
  output_.end_packet();
}

std::optional<std::uint32_t> Session::opening() const {
  const auto& operation = pending_->operation;
  if (const auto* file = std::get_if<OpenToRead>(&operation)) return file->handle;
  if (const auto* file = std::get_if<CreateNew>(&operation)) return file->handle;
  if (const auto* directory = std::get_if<OpenDirectory>(&operation)) return directory->handle;
  return {};
}

void Session::answer(Done) {
  if (const auto opened = opening()) return send_handle(*opened);
  if (const auto* write = std::get_if<WriteOpen>(&pending_->operation))
    handles_[write->handle].wrote(write->offset, write->bytes.size());
  if (const auto* cut = std::get_if<TruncateFile>(&pending_->operation))
    handles_[cut->handle].end = cut->size;
  if (auto next = std::exchange(pending_->next, {})) return go_on(std::move(*next));
  send_verdict(pending_->id, pending_->refusal);
}

void Session::send_handle(std::uint32_t number) {
  const auto wire = Handles::wire(number);
  begin(Type::handle, pending_->id);
  output_.string({wire.data(), wire.size()});
  output_.end_packet();
}

void Session::answer(std::error_code error) {
  output_.drop_packet();
  if (const auto opened = opening()) handles_.free(*opened);
  const bool too_many = error == std::errc::too_many_files_open;
  send_status(pending_->id, status_of(error), too_many ? std::string(too_many_open) : told(error));
}

bool Session::close_next() {
  const auto open = handles_.next(0);
  if (!open) return false;
  tell_closed(handles_[*open], true);
  handles_.free(*open);
  return true;
}

bool Session::idle() const { return !pending_ && output_.size() == 0 && handles_.none(); }

void Session::begin(Type type, std::uint32_t id) {
  output_.begin_packet(type);
  output_.u32(id);
}

// Of what was done, but for a part that may not be.
void Session::send_verdict(std::uint32_t id, std::string_view refusal) {
  refusal.empty() ? send_status(id, Status::ok) : send_status(id, Status::permission_denied, refusal);
}

void Session::send_status(std::uint32_t id, Status status) { send_status(id, status, text_of(status)); }

void Session::send_status(std::uint32_t id, Status status, std::string_view text) {
  events_.push_back(event::SentStatus{id, status});
  begin(Type::status, id);
  output_.u32(static_cast<std::uint32_t>(status));
  output_.string(text);
  output_.string("");  // language
  output_.end_packet();
}

}  // namespace sftp
