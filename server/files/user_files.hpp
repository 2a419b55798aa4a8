#pragma once
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "protocols/files/file_operation.hpp"
#include "storage/depot/upload.hpp"
#include "storage/depot/writable.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/search.hpp"

namespace server {

class Workers;

// What one session has open, and the carrying out of its operations below its user's root; nothing is
// changed but below the root's uploads/. One thread at a time, but any thread: the session hands it to a
// worker and waits. Made and destroyed on the loop.
class UserFiles {
 public:
  struct Meant {  // in place of a name that is not there
    std::string asked;
    storage::Path path;
    storage::Rule rule;
  };
  struct Outcome {
    files::Answer answer;
    std::optional<storage::Path> missing = {};  // the name that could not be examined, opened or written
    std::optional<Meant> meant = {};            // what was opened instead
    bool unwritten = false;                     // `missing` was to be written or changed
    std::optional<std::uint64_t> size = {};     // bytes, of the file that was opened to be read
  };
  struct Images {          // those that the user sees
    storage::Path folder;  // of all images; the user's "/"
    storage::Root root;    // the same, open
    storage::LiveCatalogue& catalogue;
  };
  struct Uploads {
    storage::Sender sender;
    std::uint64_t max_size;                    // of a file, in bytes
    std::vector<storage::Alias> aliases = {};  // as from the user's "/"
  };

  // Without `uploads` the user may only read. What is still open at the end is closed by `closing`; `hold` is
  // given up after that.
  UserFiles(Images images, std::optional<Uploads> uploads, Workers& closing, std::shared_ptr<void> hold)
      : images_(std::move(images)), uploads_(std::move(uploads)), closing_(closing), hold_(std::move(hold)) {}
  UserFiles(const UserFiles&) = delete;
  UserFiles& operator=(const UserFiles&) = delete;
  ~UserFiles();

  // What needs no disk: a read that memory answers. Nothing when it would have to wait.
  std::optional<files::Answer> try_now(const files::Operation& operation);
  // Whether perform() reads, writes or syncs a file's bytes, so that it may wait long for a slow disk.
  bool moves_bytes(const files::Operation& operation);
  // Whether perform() may change what is on the disk, or syncs it.
  bool changes(const files::Operation& operation);
  // May wait for the disk.
  Outcome perform(const files::Operation& operation);
  // Whether perform_as_meant() may help where the operation found nothing.
  bool may_mean_another(const files::Operation& operation, const storage::LookupSettings& settings) const;
  // The same as perform() with the file that was plainly meant; nothing when none was. For `explaining`.
  std::optional<Outcome> perform_as_meant(const files::Operation& operation,
                                          storage::LookupSettings settings);
  // Why a name that was only to be read is not there.
  storage::Miss explain(const storage::Path& missing, std::error_code error,
                        const storage::LookupSettings& settings) const;

 private:
  Outcome run(const files::Examine& operation);
  Outcome run(const files::ExamineOpen& operation);
  Outcome run(const files::OpenToRead& operation);
  Outcome run(const files::OpenDirectory& operation);
  Outcome run(const files::ReadOpen& operation);
  Outcome run(const files::ReadDirectory& operation);
  Outcome run(const files::FindNames& operation);
  Outcome run(const files::ReadLink& operation);
  Outcome run(const files::CloseOpen& operation);
  Outcome run(const files::AbandonFile& operation);
  Outcome run(const files::CreateNew& operation);
  Outcome run(const files::WriteOpen& operation);
  Outcome run(const files::TruncateFile& operation);
  Outcome run(const files::CopyData& operation);
  Outcome run(const files::SyncFile& operation);
  Outcome run(const files::MakeDirectory& operation);
  Outcome run(const files::RemoveEmpty& operation);
  Outcome run(const files::RemoveFile& operation);
  Outcome run(const files::Rename& operation);
  Outcome run(const files::ExamineOwn& operation);
  Outcome run(const files::SetTimes& operation);
  Outcome run(const files::SetTimesOpen& operation);
  Outcome run(const files::ExamineSpace& operation);

  storage::Search search(std::string name, storage::LookupSettings settings) const;

  struct Own {  // a name that the user may write to
    storage::Writable folder;
    storage::Path path;  // below it
  };
  std::optional<storage::Path> below_uploads(const storage::Path& path) const;
  storage::Result<Own> own(const storage::Path& path) const;
  storage::Result<storage::Upload> begin(const files::CreateNew& operation) const;
  bool holds_end(const files::ReadOpen& read);
  storage::Result<std::size_t> read(std::uint32_t handle, std::span<std::byte> into, std::uint64_t offset);
  Outcome store(std::uint32_t handle, std::span<const std::byte> bytes, std::uint64_t offset);
  bool fits(std::uint64_t offset, std::uint64_t size) const;
  static Outcome refuse(const storage::Path& path, std::error_code error);
  static Outcome refuse_change(const storage::Path& path, std::error_code error);
  static Outcome change(const storage::Path& path, const storage::Result<void>& done);

  using Slot = std::variant<std::monostate, storage::File, storage::Directory, storage::Upload>;
  Slot& slot(std::uint32_t handle);
  storage::Upload* upload(std::uint32_t handle);
  storage::Upload* upload(const storage::Path& path);  // under way, by the name that it will have

  const Images images_;
  const std::optional<Uploads> uploads_;
  Workers& closing_;
  std::shared_ptr<void> hold_;
  std::vector<Slot> open_;
};

}  // namespace server
