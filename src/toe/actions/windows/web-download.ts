import { mustRunPowerShell, runPowerShell } from '../run-powershell.ts';
import type { Downloader } from '../web-download.ts';

/**
 * One try, as web-download.sh does it: exit code 75 when another may help, and then `BYTES STATUS` and the headers of the
 * answer. The classes of .NET are used because curl.exe is not on every Windows. A callback in PowerShell could not be
 * called from their threads, so trusting any certificate takes a class.
 */
export const WEB_DOWNLOAD = `
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
if ($in.insecure) {
  Add-Type -TypeDefinition 'public static class KilnTrust { public static bool Any(object s, System.Security.Cryptography.X509Certificates.X509Certificate c, System.Security.Cryptography.X509Certificates.X509Chain n, System.Net.Security.SslPolicyErrors e) { return true; } }'
  [Net.ServicePointManager]::ServerCertificateValidationCallback = [Delegate]::CreateDelegate([Net.Security.RemoteCertificateValidationCallback], [KilnTrust], 'Any')
}
function Exit-Later($status, $headers, $text) {
  $bytes = if (Test-Path -LiteralPath $in.part) { (Get-Item -LiteralPath $in.part).Length } else { 0 }
  [Console]::Out.WriteLine("$bytes $status")
  [Console]::Out.WriteLine($headers)
  [Console]::Error.WriteLine($text)
  exit 75
}
function Exit-Anew($text) {
  Remove-Item -LiteralPath $in.part -Force -ErrorAction SilentlyContinue
  Exit-Later '000' '' $text
}
function Get-Proxy($uri) {
  $names = if ($uri.Scheme -eq 'https') { 'HTTPS_PROXY', 'ALL_PROXY' } else { 'HTTP_PROXY', 'ALL_PROXY' }
  $proxy = $names | ForEach-Object { [Environment]::GetEnvironmentVariable($_) } | Where-Object { $_ } | Select-Object -First 1
  if (-not $proxy) { return [Net.WebRequest]::DefaultWebProxy }
  foreach ($name in ([string][Environment]::GetEnvironmentVariable('NO_PROXY') -split '[, ]+')) {
    $bare = $name.TrimStart('.')
    if ($name -eq '*' -or ($bare -and ($uri.Host -eq $bare -or $uri.Host.EndsWith('.' + $bare)))) { return $null }
  }
  return New-Object Net.WebProxy $proxy
}
if (Test-Path -LiteralPath $in.path -PathType Container) { Fail "$($in.path) is a folder: end the destination with \\ to put the file into it" }
if (Test-Path -LiteralPath $in.path) {
  if (-not $in.overwrite) { Fail "$($in.path) exists and overwrite is false" }
  if ($in.checksum -and (Get-FileHash -LiteralPath $in.path -Algorithm $in.algorithm).Hash -eq $in.checksum) { exit 0 }
}
[void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($in.path))
$request = [Net.HttpWebRequest][Net.WebRequest]::Create($in.source)
$request.Proxy = Get-Proxy $request.RequestUri
$request.MaximumAutomaticRedirections = 20
$request.Timeout = 60000
$request.ReadWriteTimeout = 120000
if ($in.have -gt 0) {
  $request.AddRange([long]$in.have)
  if ($in.validator) { $request.Headers.Add('If-Range', $in.validator) }
}
$response = $null
try { $response = $request.GetResponse() } catch {
  $cause = $_.Exception.GetBaseException()
  if ($cause -is [Net.WebException]) { $response = $cause.Response }
  if ($null -eq $response) { Exit-Later '000' '' $cause.Message }
}
$status = [int]$response.StatusCode
$headers = $response.Headers.ToString()
$append = $status -eq 206 -and $in.have -gt 0
if ($append -and $response.Headers['Content-Range'] -notmatch "^bytes *$($in.have)-") { Exit-Anew 'the server sent another part of the file than asked for' }
if ($status -eq 416) { Exit-Anew 'the server has no more of the file than what came before' }
if ($status -ne 200 -and -not $append) {
  if ($in.have -gt 0 -and $status -ne 206) { Exit-Later $status '' "the server answered with HTTP status $status" }
  Exit-Anew "the server answered with HTTP status $status"
}
$mode = if ($append) { [IO.FileMode]::Append } else { [IO.FileMode]::Create }
$file = [IO.File]::Open($in.part, $mode, [IO.FileAccess]::Write)
$before = $file.Length
$broken = $null
try { $response.GetResponseStream().CopyTo($file) } catch { $broken = $_.Exception.GetBaseException().Message } finally {
  $came = $file.Length - $before
  $file.Dispose()
  $response.Dispose()
}
if (-not $broken -and $response.ContentLength -ge 0 -and $came -lt $response.ContentLength) { $broken = 'the connection ended early' }
if ($broken) { Exit-Later $status $headers "the transfer broke off: $broken" }
if ($in.checksum) {
  $actual = (Get-FileHash -LiteralPath $in.part -Algorithm $in.algorithm).Hash
  if ($actual -ne $in.checksum) { Exit-Anew "the $($in.algorithm) checksum is $($actual.ToLower()), not $($in.checksum)" }
}
Move-Item -LiteralPath $in.part -Destination $in.path -Force
`;

const REMOVE = 'Remove-Item -LiteralPath $in.path -Force -ErrorAction SilentlyContinue';

/** How long tidying up may take. */
const REMOVE_WITHIN_MS = 3_000;

export const windowsDownload: Downloader = {
  attempt: (inputs, path, part, there, context) =>
    runPowerShell(context, WEB_DOWNLOAD, {
      ...{ source: inputs.source, path, part, overwrite: inputs.overwrite, insecure: inputs.ignoreCertificateErrors },
      ...{ algorithm: inputs.algorithm ?? '', checksum: inputs.checksum?.toLowerCase() ?? '' },
      ...{ have: there?.bytes ?? 0, validator: there?.validator ?? '' },
    }),
  remove: async (path, context) => {
    const signal = AbortSignal.timeout(REMOVE_WITHIN_MS);
    await mustRunPowerShell({ ...context, signal }, REMOVE, { path }).catch(() => {});
  },
};
