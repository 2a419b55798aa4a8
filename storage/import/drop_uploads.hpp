#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/depot/staging.hpp"
#include "storage/depot/upload_account.hpp"

namespace storage {

// What is said of a file before it is sent in pieces. Two that are equal are one file.
struct AnnouncedFile {
  std::string owner;          // who sends it; in one line
  std::string name;           // that it will have in drop/; fault_of_drop_name() finds none
  std::uint64_t size = 0;     // in bytes, not 0
  std::string last_modified;  // as the sender has it, in one line; compared alone
  std::string sha512;         // in lower-case hex; empty: nobody says
  friend bool operator==(const AnnouncedFile&, const AnnouncedFile&) = default;
};

// How far such a file has come. A plain value; any thread.
struct DropUpload {
  std::string id;
  AnnouncedFile file;
  std::uint64_t offset = 0;  // bytes that lie here
  std::int64_t written = 0;  // when something came last, in seconds since 1970
  bool is_whole() const { return offset == file.size; }
};

// Why an upload does not begin, or does not go on.
struct DropUploadFault {
  enum class Why {
    gone,          // nothing of that id lies here
    offset,        // another number of bytes lies here: `offset`
    too_long,      // more bytes than were announced
    taken,         // a file of that name lies in drop/
    published,     // a release came out of the file with that SHA-512
    too_many,      // of that owner at once, or in all
    no_room,       // on the disk
    wrong_digest,  // what came has another SHA-512 than was announced; it was removed
  };
  Why why;
  std::string text;  // a sentence
  std::uint64_t offset = 0;
};

// Files that come in pieces, over as many connections as it takes, on their way to drop/. They grow in
// state/staging/uploads, a folder for each, where a restart finds them again, and one rename makes a whole
// one visible in drop/: the watcher of drop/ imports it as any other. What nobody goes on with is removed
// after a day.
//
// Safe from any thread, and beside another process: each call holds the upload's folder by its lock. Each may
// wait for the disk: for a worker. All throw std::system_error where the disk fails.
class DropUploads {
 public:
  static constexpr std::size_t most_each = 2, most = 64, most_remembered = 64;
  static constexpr std::chrono::seconds at_once{30};  // since the last piece: it is on its way
  static constexpr std::chrono::hours kept{24};
  template <class T>
  using Result = std::expected<T, DropUploadFault>;

  // `account` says what the disk has left, and outlives this.
  explicit DropUploads(UploadAccount& account) : account_(account) {}
  DropUploads(const DropUploads&) = delete;
  DropUploads& operator=(const DropUploads&) = delete;

  // Begins one, or finds the same one from before; one that is whole is published then. `now` in seconds
  // since 1970.
  Result<DropUpload> begin(const AnnouncedFile& file, std::int64_t now);
  // Also one of the last that were published: what says so may have been lost on its way.
  Result<DropUpload> find(const std::string& id);
  // `offset` is how many bytes lie here before. Of several that send at once the first goes on.
  Result<DropUpload> append(const std::string& id, std::uint64_t offset, std::span<const std::byte> bytes);
  // A whole one goes to drop/, synced; one that is not stays as it is. Reads all of it where a SHA-512 was
  // announced.
  Result<DropUpload> publish(const std::string& id);
  Result<DropUpload> remove(const std::string& id);
  // Removes what was left for a day, and publishes what was whole when the server was killed.
  void sweep(std::int64_t now);

 private:
  struct Held {
    DirectoryLock lock;
    DropUpload upload;
  };

  const Depot& depot() const { return account_.depot(); }
  std::filesystem::path folder_of(const std::string& id) const;
  bool is_taken(const std::string& name) const;  // in drop/
  Result<Held> hold(const std::string& id);
  std::optional<DropUpload> read(const std::string& id) const;
  std::vector<DropUpload> all() const;
  std::optional<DropUploadFault> obstacle(const AnnouncedFile& file, std::int64_t now,
                                          const std::vector<DropUpload>& others);
  DropUpload make(const AnnouncedFile& file, std::int64_t now);
  Result<DropUpload> publish(Held held);
  bool place(const DropUpload& upload) const;  // false: another file has the name
  void sweep(const std::string& id, std::int64_t now);
  void remember(const DropUpload& published);

  UploadAccount& account_;
  std::mutex beginning_, remembering_;
  std::deque<DropUpload> published_;
};

// Why no file of this name can be uploaded; nothing where one can.
struct DropNameFault {
  bool plain;        // it is the name of a file, but of none that is imported
  std::string text;  // a sentence
};
std::optional<DropNameFault> fault_of_drop_name(std::string_view name);

}  // namespace storage
