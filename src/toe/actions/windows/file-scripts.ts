/*
 * The file modules in Windows PowerShell. Values come as `$in`; paths are absolute, and never taken for patterns. Links are
 * not followed downwards, so that nothing outside of a folder is changed.
 */

export const FUNCTIONS = `
function Test-File($path) { Test-Path -LiteralPath $path -PathType Leaf }
function Test-Folder($path) { Test-Path -LiteralPath $path -PathType Container }
function Test-Link($item) { [bool]($item.Attributes -band [IO.FileAttributes]::ReparsePoint) }
function New-Parent($path) {
  $parent = [IO.Path]::GetDirectoryName($path)
  if ($parent) { [void][IO.Directory]::CreateDirectory($parent) }
}
# Only * is special in a pattern.
function Get-Pattern($text) { ($text.Split('*') | ForEach-Object { [Management.Automation.WildcardPattern]::Escape($_) }) -join '*' }
function Remove-Folder($folder) {
  foreach ($item in @(Get-ChildItem -LiteralPath $folder -Force)) {
    if ($item.PSIsContainer -and -not (Test-Link $item)) { Remove-Folder $item.FullName; continue }
    if (-not $item.PSIsContainer) { [IO.File]::SetAttributes($item.FullName, 'Normal') }
    $item.Delete()
  }
  [IO.Directory]::Delete($folder)
}
`;

export const CREATE_FILE = `${FUNCTIONS}
if (Test-Folder $in.path) { Fail "$($in.path) is a folder" }
if ((Test-File $in.path) -and -not $in.overwrite) { Fail "$($in.path) exists and overwrite is false" }
New-Parent $in.path
[IO.File]::WriteAllBytes($in.path, [Convert]::FromBase64String($in.content))
`;

export const APPEND_FILE = `${FUNCTIONS}
if (-not (Test-File $in.path)) { Fail "there is no file $($in.path)" }
$bytes = [Convert]::FromBase64String($in.content)
$file = [IO.File]::Open($in.path, 'Append', 'Write')
try { $file.Write($bytes, 0, $bytes.Length) } finally { $file.Dispose() }
`;

/** Gives the content in base64. */
export const READ_FILE = `${FUNCTIONS}
if (Test-Folder $in.path) { Fail "$($in.path) is a folder" }
if (-not (Test-File $in.path)) { Fail "there is no file $($in.path)" }
if ((Get-Item -LiteralPath $in.path -Force).Length -gt $in.limit) { Fail "$($in.path) is larger than $($in.limit) bytes" }
[Console]::Out.Write([Convert]::ToBase64String([IO.File]::ReadAllBytes($in.path)))
`;

export const CREATE_FOLDER = `${FUNCTIONS}
if (Test-File $in.path) { Fail "$($in.path) exists and is not a folder" }
if ((Test-Folder $in.path) -and -not $in.overwrite) { Fail "$($in.path) exists and overwrite is false" }
[void][IO.Directory]::CreateDirectory($in.path)
`;

export const DELETE_FILE = `${FUNCTIONS}
if (-not $in.pattern) {
  if (Test-Folder $in.path) { Fail "$($in.path) is a folder" }
  if (-not (Test-File $in.path)) { Fail "there is no file $($in.path)" }
  Remove-Item -LiteralPath $in.path -Force
  exit 0
}
$pattern = Get-Pattern $in.pattern
if (-not (Test-Folder $in.folder)) { exit 0 }
foreach ($item in @(Get-ChildItem -LiteralPath $in.folder -Force -File)) {
  if ($item.Name -like $pattern) { Remove-Item -LiteralPath $item.FullName -Force }
}
`;

export const DELETE_FOLDER = `${FUNCTIONS}
if (-not (Test-Folder $in.path)) { Fail "there is no folder $($in.path)" }
if (Test-Link (Get-Item -LiteralPath $in.path -Force)) { Fail "$($in.path) is a link" }
if ($in.force) { Remove-Folder $in.path } else { [IO.Directory]::Delete($in.path) }
`;

/** Gives the paths, each ended by NUL. */
export const LIST_FILES = `${FUNCTIONS}
if (-not (Test-Folder $in.path)) { Fail "there is no folder $($in.path)" }
$pattern = Get-Pattern $in.pattern
function Get-Paths($folder) {
  foreach ($item in @(Get-ChildItem -LiteralPath $folder -Force)) {
    if (-not $item.PSIsContainer) { if ($item.Name -like $pattern) { $item.FullName } }
    elseif ($in.recursive -and -not (Test-Link $item)) { Get-Paths $item.FullName }
  }
}
Say ((@(Get-Paths $in.path) | ForEach-Object { $_ + [char]0 }) -join '')
`;

/** \`$in.kind\` is file or folder, \`$in.verb\` copy or move. */
export const TRANSFER = `${FUNCTIONS}
function Copy-Tree($from, $to) {
  [void][IO.Directory]::CreateDirectory($to)
  foreach ($item in @(Get-ChildItem -LiteralPath $from -Force)) {
    $target = [IO.Path]::Combine($to, $item.Name)
    if (Test-Link $item) { Fail "$($item.FullName) is a link, which is not copied on Windows" }
    if ($item.PSIsContainer) { Copy-Tree $item.FullName $target } else { [IO.File]::Copy($item.FullName, $target, $true) }
  }
}
function Move-One($source, $destination) {
  if ([IO.Path]::GetFullPath($source) -eq [IO.Path]::GetFullPath($destination)) { Fail "$source and $destination are the same" }
  if ($in.kind -eq 'file') {
    if (Test-Folder $source) { Fail "$source is a folder" }
    if (-not (Test-File $source)) { Fail "there is no file $source" }
    if (Test-Folder $destination) { Fail "$destination is a folder: end the destination with \\ to put the file into it" }
    if ((Test-File $destination) -and -not $in.overwrite) { Fail "$destination exists and overwrite is false" }
    New-Parent $destination
    [IO.File]::Copy($source, $destination, $true)
    if ($in.verb -eq 'move') { Remove-Item -LiteralPath $source -Force }
    return
  }
  if (-not (Test-Folder $source)) { Fail "there is no folder $source" }
  if (Test-File $destination) { Fail "$destination exists and is not a folder" }
  if ((Test-Folder $destination) -and -not $in.overwrite) { Fail "$destination exists and overwrite is false" }
  $within = [IO.Path]::GetFullPath($source).TrimEnd('\\') + '\\'
  if ([IO.Path]::GetFullPath($destination).StartsWith($within, 'OrdinalIgnoreCase')) { Fail "$destination is within $source" }
  Copy-Tree $source $destination
  if ($in.verb -eq 'move') { Remove-Folder $source }
}
if (-not $in.pattern) {
  Move-One $in.source $in.destination
  exit 0
}
$pattern = Get-Pattern $in.pattern
$entries = @()
if (Test-Folder $in.folder) {
  $entries = @(Get-ChildItem -LiteralPath $in.folder -Force | Where-Object { $_.PSIsContainer -eq ($in.kind -eq 'folder') -and $_.Name -like $pattern })
}
if ($entries.Count -eq 0) { Fail "nothing matches $($in.source)" }
foreach ($entry in $entries) { Move-One $entry.FullName ($in.destination + $entry.Name) }
`;
