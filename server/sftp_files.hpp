#pragma once
#include <optional>
#include <variant>
#include <vector>

#include "protocols/sftp/session.hpp"
#include "server/workers.hpp"
#include "storage/live_catalogue.hpp"
#include "storage/lookup.hpp"
#include "storage/root.hpp"
#include "storage/upload.hpp"
#include "storage/writable.hpp"

namespace server {

// What one SFTP session has open, and the carrying out of its operations below its user's root; nothing is
// changed but below the root's uploads/. One thread at a time, but any thread: the session hands it to a
// worker and waits. Made and destroyed on the loop.
class SftpFiles {
 public:
  struct Meant {  // in place of a name that is not there
    std::string asked;
    storage::Path path;
    storage::Rule rule;
  };
  struct Outcome {
    sftp::Answer answer;
    std::optional<storage::Path> missing = {};  // the name that could not be examined, opened or written
    std::optional<Meant> meant = {};            // what was opened instead
  };
  struct Images {          // those that the user sees
    storage::Path folder;  // of all images; the user's "/"
    storage::Root root;    // the same, open
    storage::LiveCatalogue& catalogue;
  };
  struct Uploads {
    const storage::Depot& depot;
    std::uint64_t max_size;  // of a file, in bytes
  };

  // Without `uploads` the user may only read. What is still open at the end is closed by `closing`.
  SftpFiles(Images images, std::optional<Uploads> uploads, Workers& closing)
      : images_(std::move(images)), uploads_(uploads), closing_(closing) {}
  SftpFiles(const SftpFiles&) = delete;
  SftpFiles& operator=(const SftpFiles&) = delete;
  ~SftpFiles();

  // What needs no disk: a read that memory answers. Nothing when it would have to wait.
  std::optional<sftp::Answer> try_now(const sftp::Operation& operation);
  // May wait for the disk.
  Outcome perform(const sftp::Operation& operation);
  // Whether perform_as_meant() may help where the operation found nothing.
  bool may_mean_another(const sftp::Operation& operation, const storage::LookupSettings& settings) const;
  // The same as perform() with the file that was plainly meant; nothing when none was. For `explaining`.
  std::optional<Outcome> perform_as_meant(const sftp::Operation& operation, storage::LookupSettings settings);
  storage::Miss explain(const storage::Path& missing, std::error_code error, bool forgiving) const;

 private:
  Outcome run(const sftp::Examine& operation);
  Outcome run(const sftp::ExamineOpen& operation);
  Outcome run(const sftp::OpenFile& operation);
  Outcome run(const sftp::OpenDirectory& operation);
  Outcome run(const sftp::ReadFile& operation);
  Outcome run(const sftp::ReadDirectory& operation);
  Outcome run(const sftp::CloseHandle& operation);
  Outcome run(const sftp::AbandonFile& operation);
  Outcome run(const sftp::CreateFile& operation);
  Outcome run(const sftp::WriteFile& operation);
  Outcome run(const sftp::TruncateFile& operation);
  Outcome run(const sftp::CopyData& operation);
  Outcome run(const sftp::SyncFile& operation);
  Outcome run(const sftp::MakeDirectory& operation);
  Outcome run(const sftp::RemoveDirectory& operation);
  Outcome run(const sftp::RemoveFile& operation);
  Outcome run(const sftp::Rename& operation);
  Outcome run(const sftp::ExamineOwn& operation);
  Outcome run(const sftp::SetTimes& operation);
  Outcome run(const sftp::SetTimesOpen& operation);
  Outcome run(const sftp::ExamineSpace& operation);

  struct Own {  // a name that the user may write to
    storage::Writable folder;
    storage::Path path;  // below it
  };
  storage::Result<Own> own(const storage::Path& path) const;
  storage::Result<storage::Upload> begin(const sftp::CreateFile& operation) const;
  storage::Result<std::size_t> read(std::uint32_t handle, std::span<std::byte> into, std::uint64_t offset);
  Outcome store(std::uint32_t handle, std::span<const std::byte> bytes, std::uint64_t offset);
  bool fits(std::uint64_t offset, std::uint64_t size) const;
  Outcome refuse(const storage::Path& path, std::error_code error);

  using Slot = std::variant<std::monostate, storage::File, storage::Directory, storage::Upload>;
  Slot& slot(std::uint32_t handle);
  storage::Upload* upload(std::uint32_t handle);
  storage::Upload* upload(const storage::Path& path);  // under way, by the name that it will have

  const Images images_;
  const std::optional<Uploads> uploads_;
  Workers& closing_;
  std::vector<Slot> open_;
  std::optional<storage::Path> refused_;  // the last name that could not be written
};

// Why a name that a user wanted to write was refused.
storage::Miss explain_unwritten(const storage::Path& path, std::error_code error);

}  // namespace server
