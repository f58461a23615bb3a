/** Bytes of a template. Source: AWS CloudFormation User Guide, "CloudFormation quotas" (template body in S3). */
export const MAX_TEMPLATE_BYTES = 1024 * 1024;
